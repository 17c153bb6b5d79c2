"""Libraries in which rows, files and indexes have drifted apart: what the doctor is to find and to mend."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, select, text, update

from indexer.catalog import owners
from indexer.catalog.client_tables import Upload
from indexer.catalog.columns import now
from indexer.catalog.states import JobState
from indexer.catalog.tables import Embedding, Generation, Job, Video
from indexer.library import Library
from indexer.set_aside import set_aside
from indexer.vector_index.follower import IndexFollower
from tests.stocked_library import Stock, add_video

LONG_AGO = (1.0, 1.0)

Spoil = Callable[[Library, Stock], object]


def save_snapshot(library: Library, generation: Generation) -> None:
    path = library.snapshot_path(generation.id)
    follower = IndexFollower(library.database, generation.id, generation.fingerprint, 8, path)
    follower.save_snapshot()
    follower.close()


def execute(library: Library, statement: str) -> None:
    with library.database.writing() as session:
        session.execute(text(statement))


def media(library: Library, stocked: Stock, place: int = 0) -> Path:
    return library.media.locate(stocked.videos[place].media_path)


def thumbnail(library: Library, stocked: Stock) -> Path:
    return sorted((library.thumbnails.root / stocked.videos[0].sha256[:2]).rglob("*.jpg"))[0]


def write(path: Path, content: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, LONG_AGO)


def flip(path: Path, place: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def expire(library: Library, stocked: Stock) -> None:
    with library.database.writing() as session:
        upload = Upload(filename="half.mp4", expires_at=now() - timedelta(hours=1))
        session.add(upload)
        session.flush()
        library.uploads.create(upload.id)


def be_ahead(library: Library, stocked: Stock) -> None:
    """Save a snapshot, then put an older database back."""
    add_video(library, stocked.generation, b"a third film")
    save_snapshot(library, stocked.generation)
    with library.database.writing() as session:
        video = session.scalars(select(Video).order_by(Video.added_at.desc())).first()
        assert video is not None
        session.execute(delete(Video).where(Video.id == video.id))
        session.execute(update(Generation).values(revision=2))
    library.media.delete(video.media_path)
    library.thumbnails.delete_video(video.sha256)


def lose_row(library: Library, stocked: Stock) -> None:
    with library.database.writing() as session:
        newest = session.scalars(select(Embedding.id).where(Embedding.kind == "clip")).first()
        session.execute(delete(Embedding).where(Embedding.id == newest))


def be_unrecorded(library: Library) -> None:
    library.media.save([b"lost"], "x.mp4", 9)
    for marker in library.media.root.glob(".unrecorded-*"):
        os.utime(marker, LONG_AGO)


def be_half_written(library: Library, thumbnails: Path) -> None:
    for folder in (library.media.root, thumbnails, library.settings.home_folder / "index"):
        write(folder / ".partial-1")
    write(library.media.root / ".restoring-2" / "x")
    os.utime(library.media.root / ".restoring-2", LONG_AGO)


def be_aside(library: Library, stocked: Stock) -> None:
    set_aside(library.media.root, stocked.videos[0].media_path, stocked.videos[0].id)


def lose_owner(library: Library, stocked: Stock) -> None:
    with library.database.writing() as session:
        job = session.scalars(select(Job)).first()
        assert job is not None
        job.state, job.owner, job.attempts = JobState.RUNNING, this_process_but_dead(), 1


def this_process_but_dead() -> str:
    return f"{owners.this_machine()}:{2**22 - 1}:1"


ORPHAN = "ab/ab" + "0" * 62

MENDABLE: dict[str, tuple[Spoil, list[str]]] = {
    "a file of no video": (
        lambda library, _: write(library.media.root / f"{ORPHAN}.mp4"),
        ["media-orphaned"],
    ),
    "a thumbnail of no clip": (
        lambda library, _: write(library.thumbnails.root / ORPHAN / "0000000000.jpg"),
        ["thumbnail-orphaned"],
    ),
    "previews of no video": (
        lambda library, _: write(library.previews_root / ORPHAN / "0000000000-0000004000.mp4"),
        ["preview-orphaned"],
    ),
    "a thumbnail that is gone": (
        lambda library, stocked: thumbnail(library, stocked).unlink(),
        ["thumbnails-missing"],
    ),
    "an empty thumbnail": (
        lambda library, stocked: write(thumbnail(library, stocked), b""),
        ["thumbnails-missing"],
    ),
    "a damaged snapshot": (
        lambda library, stocked: flip(library.snapshot_path(stocked.generation.id)),
        ["snapshot-unusable"],
    ),
    "a snapshot of another generation": (
        lambda library, _: write(library.snapshot_path(99)),
        ["snapshot-unusable"],
    ),
    "a snapshot ahead of the rows": (be_ahead, ["snapshot-unusable"]),
    "a snapshot with a clip too much": (lose_row, ["snapshot-differs"]),
    "a snapshot of another history": (
        lambda library, _: execute(library, "UPDATE generations SET history_id = 'another'"),
        ["snapshot-unusable"],
    ),
    "a job whose worker is gone": (lose_owner, ["job-stuck"]),
    "a video that waits for no job": (
        lambda library, _: execute(library, "UPDATE videos SET state = 'indexing'"),
        ["video-without-job", "video-without-job"],
    ),
    "a video without clips": (
        lambda library, stocked: execute(
            library, f"DELETE FROM clips WHERE video_id = '{stocked.videos[0].id}'"
        ),
        ["clips-missing", "thumbnail-orphaned", "thumbnail-orphaned", "snapshot-differs"],
    ),
    "vectors cut short": (
        lambda library, _: execute(library, "UPDATE embeddings SET vector = x'00' WHERE kind = 'segment'"),
        ["vectors-damaged", "vectors-damaged"],
    ),
    "rows of a revision to come": (
        lambda library, _: execute(library, "UPDATE embeddings SET revision = 7 WHERE id = 12"),
        ["revision-behind"],
    ),
    "words that are not in the index": (
        lambda library, _: execute(library, "INSERT INTO cue_words(cue_words) VALUES ('delete-all')"),
        ["words-index-damaged"],
    ),
    "files left half-written": (
        lambda library, stocked: be_half_written(library, thumbnail(library, stocked).parent),
        ["leftover"] * 4,
    ),
    "an upload that expired": (expire, ["upload-expired"]),
    "an upload's file without its row": (
        lambda library, _: write(library.uploads.root / ("a" * 32)),
        ["upload-orphaned"],
    ),
    "an upload that was never recorded": (
        lambda library, _: be_unrecorded(library),
        ["upload-unrecorded"],
    ),
    "a deletion that was cut off": (be_aside, ["deletion-cut-off"]),
}


BEYOND_US: dict[str, tuple[Spoil, str, bool]] = {
    "a file that is gone": (
        lambda library, stocked: media(library, stocked).unlink(),
        "upload the same file again",
        False,
    ),
    "a file that was cut short": (
        lambda library, stocked: media(library, stocked).write_bytes(b"the"),
        "upload the file as it was again",
        False,
    ),
    "a file with a flipped bit": (
        lambda library, stocked: flip(media(library, stocked)),
        "upload the file as it was again",
        True,
    ),
    "a file indexed in place that is gone": (
        lambda library, _: execute(library, "UPDATE videos SET is_managed = false, media_path = '/x.mp4'"),
        "put it back, or index the folder",
        False,
    ),
}
