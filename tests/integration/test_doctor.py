"""The doctor finds each kind of drift between rows, files and indexes, and mends what can be mended."""

import os
from pathlib import Path

import pytest
from sqlalchemy import select, text

from indexer.catalog import videos
from indexer.catalog.states import JobState
from indexer.catalog.tables import Generation, Job, Video
from indexer.config import Settings
from indexer.doctor.examination import examine
from indexer.doctor.finding import Result
from indexer.doctor.job_rows import examine_jobs
from indexer.library import Library, open_unswept
from tests.factories import make_job, make_video
from tests.spoiled_library import (
    BEYOND_US,
    MENDABLE,
    ORPHAN,
    Spoil,
    execute,
    flip,
    media,
    save_snapshot,
    thumbnail,
    write,
)
from tests.stocked_library import Stock, files_of, index, rows_of, stock


@pytest.fixture
def stocked(library: Library) -> Stock:
    """Return what was put into the library: two videos of two clips each, and a snapshot of the index."""
    stocked = stock(library, b"the first film", b"the second film")
    save_snapshot(library, stocked.generation)
    return stocked


def found(library: Library, *, is_deep: bool = False, is_repairing: bool = False) -> list[Result]:
    return list(examine(library, is_deep=is_deep, is_repairing=is_repairing))


def codes(results: list[Result]) -> list[str]:
    return [result.finding.code.value for result in results]


@pytest.mark.parametrize(("spoil", "expected"), MENDABLE.values(), ids=MENDABLE)
def test_what_can_be_mended_is_found_then_mended_then_not_found_any_more(
    library: Library, stocked: Stock, spoil: Spoil, expected: list[str]
) -> None:
    assert found(library, is_deep=True) == []
    spoil(library, stocked)
    before = rows_of(library), files_of(library)

    assert [code for code in codes(found(library)) if code != "media-missing"] == expected
    assert (rows_of(library), files_of(library)) == before

    results = found(library, is_repairing=True)
    assert all(result.is_mended for result in results), [result.to_json() for result in results]
    do_jobs(library, stocked.generation)
    assert codes(found(library, is_deep=True)) == []


def do_jobs(library: Library, generation: Generation) -> None:
    with library.database.reading() as session:
        queued = select(Job.video_id).where(Job.state == JobState.QUEUED)
        waiting = session.scalars(select(Video).where(Video.id.in_(queued))).all()
    for video in waiting:
        index(library, generation, video)


@pytest.mark.parametrize(("spoil", "advice", "is_deep"), BEYOND_US.values(), ids=BEYOND_US)
def test_what_only_a_person_can_mend_is_told_and_left_alone(
    library: Library, stocked: Stock, spoil: Spoil, advice: str, is_deep: bool
) -> None:
    spoil(library, stocked)
    before = rows_of(library)
    assert bool(codes(found(library))) is not is_deep

    results = [
        result
        for result in found(library, is_deep=is_deep, is_repairing=True)
        if result.finding.code.value.startswith("media-") and result.finding.code.value != "media-orphaned"
    ]

    assert results and not any(result.is_mended for result in results)
    assert all(result.finding.advice.startswith(advice) for result in results)
    assert rows_of(library) == before


def test_a_file_of_no_video_is_kept_aside_and_what_others_are_just_making_is_left_alone(
    library: Library, stocked: Stock
) -> None:
    orphan = library.media.root / f"{ORPHAN}.mp4"
    write(orphan, b"what was uploaded since")
    arriving = library.media.save([b"a new film"], "new.mp4", max_bytes=100)
    with library.database.writing() as session:
        busy = make_video()
        session.add(busy)
        session.flush()
        session.add(make_job(busy))
    write(library.thumbnails.root / busy.sha256[:2] / busy.sha256 / "0000000000.jpg")
    write(library.media.root / ".partial-1")
    os.utime(library.media.root / ".partial-1")

    results = found(library, is_repairing=True)

    assert [result.finding.subject for result in results if result.is_mended] == [str(orphan)]
    aside = library.settings.home_folder / "lost-and-found" / orphan.name
    assert aside.read_bytes() == b"what was uploaded since"
    assert library.media.locate(arriving.path).exists()


def test_deep_examination_finds_vectors_that_are_none_and_thumbnails_that_end_early(
    library: Library, stocked: Stock
) -> None:
    execute(library, f"UPDATE embeddings SET vector = x'{'007e' * 8}' WHERE id = 1")
    write(thumbnail(library, stocked), b"\xff\xd8 half a pict")

    assert codes(found(library)) == []
    assert codes(found(library, is_deep=True)) == [
        "vectors-damaged",
        "thumbnails-missing",
        "snapshot-differs",
    ]


def test_a_damaged_database_is_told_and_nothing_else_looked_at(library: Library, stocked: Stock) -> None:
    path = library.settings.home_folder / "reelseek.db"
    with library.database.reading() as session:
        page = session.scalar(text("SELECT rootpage FROM sqlite_master WHERE name = 'judgements'")) or 0
        page_bytes = session.scalar(text("PRAGMA page_size")) or 0
    library.close()
    flip(path, (page - 1) * page_bytes)
    damaged = open_unswept(library.settings)

    results = found(damaged, is_repairing=True)

    assert set(codes(results)) == {"database-damaged"}
    assert all("restore the last backup" in result.finding.advice for result in results)
    damaged.close()


def test_a_silent_worker_elsewhere_is_found_when_somebody_waits_for_it(
    library: Library, stocked: Stock
) -> None:
    with library.database.writing() as session:
        job = session.scalars(select(Job)).first()
        assert job is not None
        job.state, job.owner, job.attempts = JobState.RUNNING, "elsewhere:1:1", 1

    assert list(examine_jobs(library, is_deep=False)) == []
    (stuck,) = examine_jobs(library, is_deep=True, lease_s=0.2)
    assert stuck.mend is not None
    assert stuck.mend() == "put it back into the queue"
    assert stuck.mend() is None


def test_a_healthy_library_is_found_healthy_on_either_database(database_url: str, tmp_path: Path) -> None:
    library = open_unswept(Settings(home=tmp_path / "home", database_url=database_url))
    stocked = stock(library, b"one", b"two")
    save_snapshot(library, stocked.generation)
    with library.database.writing() as session:
        videos.delete(session, stocked.videos[0].id)
    media(library, stocked).unlink()
    library.thumbnails.delete_video(stocked.videos[0].sha256)

    assert found(library, is_deep=True, is_repairing=True) == []
    library.close()
