"""How well words find whole videos: the captions of a folder, each ranking all its videos.

A video scores as its best clip. The folder holds ``captions.csv`` with the columns ``file`` and ``caption``.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from app.config import ServiceSettings
from app.dependencies import Services, build_services
from indexer.catalog import videos
from indexer.folders.walk import hash_file
from model.datasets.captions_folder import CAPTIONS_FILE, CaptionRow, read_captions
from model.evaluation.retrieval_metrics import RetrievalMetrics, rank, summarise


@dataclass(frozen=True)
class CaptionedVideo:
    """A video of the library and the sentence that should find it."""

    video_id: str
    caption: str


def evaluate_and_print(settings: ServiceSettings, folder: Path, console: Console) -> None:
    """Print the metrics of ``folder`` in the library of ``settings`` as JSON; raises ValueError."""
    services = build_services(settings)
    try:
        captioned = read_captioned_videos(services, folder)
        console.print_json(data=asdict(evaluate_text_to_video(services, captioned)))
    finally:
        services.close()


def read_captioned_videos(services: Services, folder: Path) -> list[CaptionedVideo]:
    """Return the captioned videos of ``folder``, which must be indexed.

    Raises ValueError for captions that cannot be read, and naming the files that are absent or not indexed.
    """
    path = folder / CAPTIONS_FILE
    rows = _read_rows(path)
    absent = [row.file for row in rows if not (folder / row.file).is_file()]
    if absent:
        raise ValueError(
            f"{len(absent)} of {len(rows)} files of {path} are not in its folder, the first is {absent[0]}: "
            "put them beside it, or correct their names"
        )
    found, missing = [], []
    with services.library.database.reading() as session:
        for row in rows:
            video = videos.find_by_sha256(session, hash_file(folder / row.file))
            if video is None:
                missing.append(row.file)
            else:
                found.append(CaptionedVideo(video.id, row.caption))
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(rows)} files are not indexed, the first is {missing[0]}: "
            f"run python -m indexer.batch {folder}"
        )
    return found


def _read_rows(path: Path) -> tuple[CaptionRow, ...]:
    """Return the rows of captions.csv; raises ValueError if there are none or one of them cannot be used."""
    table = read_captions(path)
    if table.refusals:
        raise ValueError(table.refusals[0].reason)
    return table.rows


def evaluate_text_to_video(services: Services, captioned: Sequence[CaptionedVideo]) -> RetrievalMetrics:
    """Return how each caption ranks the videos of ``captioned``, all others left out."""
    columns = {video_id: n for n, video_id in enumerate(dict.fromkeys(one.video_id for one in captioned))}
    words = np.stack([services.queries.encode(one.caption).vector for one in captioned])
    scores = _best_clip_scores(services, words, columns)
    return summarise(rank(scores, np.array([columns[one.video_id] for one in captioned])))


def _best_clip_scores(
    services: Services, words: NDArray[np.float32], columns: dict[str, int]
) -> NDArray[np.float32]:
    """Return the score (Q, V) of each video's best clip; raises ValueError if a video has none."""
    scores = np.full((len(words), len(columns)), -2.0, dtype=np.float32)  # below any cosine
    with services.follower.reading() as view:
        for video_id, column in columns.items():
            vectors = view.vectors(view.ids_of_videos([video_id]))  # (N, D)
            if not len(vectors):
                raise ValueError(
                    f"the captioned video {video_id} has no clip in the index: "
                    "run python -m indexer.batch again"
                )
            scores[:, column] = (words @ vectors.T).max(axis=1)
    return scores
