"""``python -m model.evaluation.drift DIR``: which token reducer suits one's own videos, without labels.

Encodes the clips in DIR unreduced and with each reducer, and compares the vectors and what they rank
(MODEL-SPEC §3: cosine drift and rank correlation). Exit codes: 0 compared, 1 the videos could not be read,
2 wrong usage.
"""

import json
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from model.decoded_stream import RefusedVideo, VideoReadingError
from model.evaluation.drift.display import show_report
from model.evaluation.drift.encoding import choose_reducers, encode_with_each, with_reducer
from model.evaluation.drift.queries import EVERYDAY_QUERIES, read_queries
from model.evaluation.drift.report import UNREDUCED, DriftReport, compare, depth_for, recommend
from model.evaluation.video_clips import read_clips
from model.factory import Encoders, load_encoders
from model.token_reduction.base import TokenReducer
from model.video_encoder import VideoEncoder

READING_FAILED, WRONG_USAGE = 1, 2

LEAST_CLIPS = 2
"""With one clip there is nothing to rank."""

DEFAULT_LIMIT = 500
"""Ten minutes for all reducers in the smallest model on two cores, and enough for stable figures."""

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder with videos, searched recursively.")]
Preset = Annotated[str, typer.Option(help="Preset, checkpoint folder or ARCHITECTURE/TAG.")]
Reducers = Annotated[
    list[str] | None,
    typer.Option(
        "--reducer", help="Reducer to compare; may be given several times. Else one of each family."
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
TopK = Annotated[int, typer.Option(min=1, help="Places of each ranking to compare.")]
LimitClips = Annotated[int, typer.Option(min=LEAST_CLIPS, help="Most clips to encode, the first found.")]
Queries = Annotated[Path | None, typer.Option(help="Text file with one query a line, for the built-in ones.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="File to write the figures to.")]


@dataclass
class FolderClips:
    """The clips of a folder, ``limit`` at most, counted as they are read."""

    folder: Path
    limit: int = DEFAULT_LIMIT
    clips: int = 0
    videos: set[Path] = field(default_factory=set)
    refusals: list[RefusedVideo] = field(default_factory=list)

    def frames_for(self, encoder: VideoEncoder) -> Generator[NDArray[np.uint8]]:
        """Yield the frames (T, H, W, 3) of each clip; raises ValueError if in the end there are not two."""
        found = read_clips(self.folder, encoder.preprocessing, encoder.frames_per_clip, self.limit)
        with closing(found):
            for one in found:
                if isinstance(one, RefusedVideo):
                    self.refusals.append(one)
                    continue
                self.clips += 1
                self.videos.add(one.path)
                yield one.frames
        if self.clips < LEAST_CLIPS:
            raise ValueError(self._why_too_few())

    def _why_too_few(self) -> str:
        if self.clips:
            return f"{self.folder} holds a single clip and there is nothing to rank: name a folder with more"
        if self.refusals:
            refusal = self.refusals[0]
            return (
                f"no video in {self.folder} can be read, the first is refused as {refusal.code}: "
                f"{refusal.reason}"
            )
        return f"{self.folder} holds no video file: name a folder that does (hidden files do not count)"


def measure_folder(
    folder: FolderClips,
    encoders: Encoders,
    reducers: Sequence[TokenReducer],
    queries: Sequence[str],
    top_k: int,
) -> DriftReport:
    """Return how the ``reducers`` change what the unreduced ``encoders`` make of the clips in ``folder``.

    Raises ValueError if there are fewer than two clips, and VideoReadingError.
    """
    arms = [encoders.video, *(with_reducer(encoders.video, reducer) for reducer in reducers)]
    with closing(folder.frames_for(encoders.video)) as frames:
        encoded = encode_with_each(arms, frames)
    depth = depth_for(folder.clips, top_k)
    names = [arm.tower.reducer.name for arm in arms]
    drifts = compare(names, encoded, encoders.text.encode(queries), depth)
    return DriftReport(
        model=encoders.settings.preset,
        frames_per_clip=encoders.video.frames_per_clip,
        clips=folder.clips,
        videos=len(folder.videos),
        refusals=folder.refusals,
        queries=len(queries),
        asked_depth=top_k,
        depth=depth,
        timed_clips=encoded[0].timed_clips,
        recommended=recommend(drifts),
        reducers=drifts,
    )


def main(  # noqa: PLR0913 - one argument an option
    folder: Folder,
    preset: Preset = "tiny",
    reducer: Reducers = None,
    device: Device = "auto",
    top_k: TopK = 10,
    limit_clips: LimitClips = DEFAULT_LIMIT,
    queries: Queries = None,
    json_file: JsonFile = None,
) -> None:
    """Compare token reducers on the videos in DIR: how much faster, and how much is found again."""
    try:
        if not folder.is_dir():
            raise ValueError(f"{folder} is not a folder: name one that holds videos")
        words = EVERYDAY_QUERIES if queries is None else read_queries(queries)
        encoders = load_encoders(preset, reduction=UNREDUCED, device=device)
        reducers = choose_reducers(encoders.video, reducer or [])
        console = Console(highlight=False)
        with console.status(f"Encoding what is in {folder.name!r}"):
            report = measure_folder(FolderClips(folder, limit_clips), encoders, reducers, words, top_k)
        show_report(console, report)
        if json_file is not None:
            write_json(report, json_file)
    except ValueError as error:
        _fail(str(error), WRONG_USAGE)
    except VideoReadingError as error:
        _fail(str(error), READING_FAILED)


def write_json(report: DriftReport, path: Path) -> None:
    """Write the report; raises ValueError if the file cannot be written."""
    try:
        path.write_text(json.dumps(asdict(report), indent=2, default=str) + "\n", encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror}): name another file") from error


def _fail(message: str, code: int) -> None:
    Console(stderr=True).print(message, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    typer.run(main)
