"""A folder of good and bad files through a batch: real files, decoder and database, fake encoders."""

import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import func, select

from indexer.batch.display import BatchDisplay
from indexer.batch.run import BatchResult, run_batch
from indexer.catalog import job_claims
from indexer.catalog.job_claims import Claimant
from indexer.catalog.lease_watch import LeaseWatch
from indexer.catalog.states import EmbeddingKind, JobState, VideoState
from indexer.catalog.tables import Clip, Embedding, Job, Video
from indexer.folders.walk import walk_videos
from indexer.ingest import ingest_video
from indexer.job_lease import JobLease
from indexer.library import Library
from model.factory import Encoders
from tests.factories import make_encoder_settings
from tests.fakes import fake_encoders
from tests.indexing import enqueue, stuck_process, the_job, the_video, thumbnails, worker_of
from tests.job_claims import claimant
from tests.synthetic_video import write_not_a_video, write_plain, write_two_scenes

EDGE_CASES = Path(__file__).parents[3] / "shared" / "data" / "edge_cases"
EXIT_WITHIN_S = 20.0


def batch(library: Library, folder: Path) -> BatchResult:
    files = list(walk_videos(folder))
    return run_batch(worker_of(library), files, BatchDisplay(Console(quiet=True)))


def figures(result: BatchResult) -> tuple[int, int, int]:
    """Return how many were indexed, already there, refused."""
    return result.indexed, result.already_indexed, len(result.refusals)


def all_videos(library: Library) -> list[Video]:
    with library.database.reading() as session:
        return list(session.scalars(select(Video).order_by(Video.filename)))


def assert_each_video_is_indexed_exactly_once(library: Library) -> None:
    """Check that ready videos, and no others, have clips: once, with one vector and thumbnail each."""
    with library.database.reading() as session:
        clips = list(session.scalars(select(Clip)))
        vectors = session.scalar(
            select(func.count()).select_from(Embedding).where(Embedding.kind == EmbeddingKind.CLIP)
        )
    ready = {video.id for video in all_videos(library) if video.state is VideoState.READY}
    assert {clip.video_id for clip in clips} == ready
    assert max(Counter((clip.video_id, clip.start_s) for clip in clips).values()) == 1
    assert vectors == len(clips)
    kept = {library.thumbnails.path(clip.thumbnail_key) for clip in clips}
    assert set(thumbnails(library)) == kept


def claimed_elsewhere(library: Library, folder: Path, encoders: Encoders) -> tuple[str, Callable[[], object]]:
    """Put a video into ``folder`` whose job another worker holds; return its id and what finishes it."""
    job_id = enqueue(library, write_plain(folder / "a.mp4", duration_s=1))
    generation_id = worker_of(library, encoders).generation_id
    with library.database.writing() as session:
        job = job_claims.claim(session, claimant("another-machine:1"))
    assert job is not None
    video, lease = the_video(library), JobLease(library.database, job)
    return job_id, lambda: ingest_video(library, encoders, generation_id, video, lease)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder for videos."""
    folder = tmp_path / "videos"
    folder.mkdir()
    return folder


def test_bad_files_are_named_with_their_reason_and_the_good_ones_are_indexed(
    library: Library, folder: Path
) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    write_two_scenes(folder / '-it\'s "two" [red]\nlines.mp4')
    write_plain(folder / "deep" / "er" / "a.mkv", duration_s=1)
    write_not_a_video(folder / "bad.mp4")
    (folder / "empty.mp4").touch()
    write_plain(folder / os.fsdecode(b"caf\xe9.mp4"), duration_s=2)

    result = batch(library, folder)
    assert result.indexed == 2
    assert {refusal.path.name.encode(errors="replace"): refusal.code for refusal in result.refusals} == {
        b"bad.mp4": "not-a-video",
        b"empty.mp4": "empty-file",
        b"caf?.mp4": "unreadable-name",
    }
    assert all(len(refusal.reason) > 10 for refusal in result.refusals)
    assert result.duration_s == pytest.approx(7.0, abs=0.2)
    assert_each_video_is_indexed_exactly_once(library)

    again = batch(library, folder)
    assert figures(again) == (0, 2, 3)
    with library.database.reading() as session:
        states = Counter(session.scalars(select(Job.state)))
    assert states == {JobState.DONE: 2, JobState.FAILED: 2}  # the bad one was tried again


def test_files_stay_where_they_are(library: Library, folder: Path) -> None:
    path = write_plain(folder / "a.mp4", duration_s=1)
    batch(library, folder)
    video = the_video(library)
    assert (video.media_path, video.is_managed) == (str(path), False)
    assert not (library.settings.home_folder / "media").exists()


def test_a_moved_file_keeps_its_video_and_only_its_path_changes(library: Library, folder: Path) -> None:
    path = write_plain(folder / "old name.mp4", duration_s=1)
    batch(library, folder)
    before = the_video(library)
    moved = folder / "later" / "new name.mp4"
    moved.parent.mkdir()
    path.rename(moved)

    assert figures(batch(library, folder)) == (0, 1, 0)
    after = the_video(library)
    assert (after.id, after.media_path, after.filename) == (before.id, str(moved), "new name.mp4")
    assert (before.title, after.title) == ("old name", "new name")
    assert_each_video_is_indexed_exactly_once(library)


def test_a_copy_is_the_same_video_and_does_not_move_it(library: Library, folder: Path) -> None:
    path = write_plain(folder / "a.mp4", duration_s=1)
    shutil.copy(path, folder / "copy of a.mp4")
    assert figures(batch(library, folder)) == (1, 1, 0)
    assert figures(batch(library, folder)) == (0, 2, 0)
    assert the_video(library).media_path == str(path)


def test_a_file_that_another_worker_is_indexing_is_waited_for(library: Library, folder: Path) -> None:
    job_id, finish = claimed_elsewhere(library, folder, fake_encoders())
    timer = threading.Timer(1.0, finish)
    timer.start()
    result = batch(library, folder)
    timer.join()
    assert figures(result) == (1, 0, 0)
    assert (the_job(library, job_id).attempts, result.duration_s) == (1, 0.0)


def test_a_file_that_another_worker_read_with_a_model_that_no_longer_serves_is_read_again(
    library: Library, folder: Path
) -> None:
    ours = fake_encoders()
    theirs = replace(ours, settings=make_encoder_settings(architecture="another", dimension=16))
    _, finish = claimed_elsewhere(library, folder, theirs)
    timer = threading.Timer(1.0, finish)
    timer.start()
    result = batch(library, folder)
    timer.join()
    assert figures(result) == (1, 0, 0)
    assert figures(batch(library, folder)) == (0, 1, 0)


def test_the_job_of_a_machine_that_fell_silent_is_taken_over(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.worker.Claimant", partial(Claimant, leases=LeaseWatch(patience_s=1.0)))
    job_id = enqueue(library, write_plain(folder / "a.mp4", duration_s=1))
    with library.database.writing() as session:
        job_claims.claim(session, claimant("another-machine:1"))
    assert figures(batch(library, folder)) == (1, 0, 0)
    assert the_job(library, job_id).attempts == 2
    assert_each_video_is_indexed_exactly_once(library)


def test_after_kill_9_the_same_command_goes_on_and_every_video_is_indexed_exactly_once(
    library: Library, folder: Path
) -> None:
    for number in range(3):
        write_two_scenes(folder / f"{number}.mp4", cut_s=2 + number)
    with stuck_process(library, 1, "batch", str(folder)) as process:
        assert len(thumbnails(library)) > 2  # those of the second video are there, its clips are not
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert Counter(video.state for video in all_videos(library)) == {
        VideoState.READY: 1,
        VideoState.INDEXING: 1,
        VideoState.PENDING: 1,
    }

    assert figures(batch(library, folder)) == (2, 1, 0)
    assert {video.state for video in all_videos(library)} == {VideoState.READY}
    assert_each_video_is_indexed_exactly_once(library)


def test_ctrl_c_says_so_and_gives_the_job_back(library: Library, folder: Path) -> None:
    write_plain(folder / "a.mp4", duration_s=1)
    with stuck_process(library, 0, "batch", str(folder)) as process:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=EXIT_WITHIN_S)[0]
    assert process.returncode == 130
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert the_video(library).state is VideoState.PENDING
    assert thumbnails(library) == []


@pytest.mark.timeout(900)
@pytest.mark.skipif(not EDGE_CASES.is_dir(), reason="the edge cases in ../shared/data are not here")
def test_every_edge_case_ends_indexed_or_refused_with_a_reason(library: Library) -> None:
    files = [path for path in EDGE_CASES.iterdir() if path.suffix != ".csv"]
    result = batch(library, EDGE_CASES)
    refused = {refusal.path.name for refusal in result.refusals}
    assert result.indexed + len(refused) == len(files)
    assert all(refusal.code and refusal.reason for refusal in result.refusals)
    assert "internal-error" not in {refusal.code for refusal in result.refusals}
    assert {"not_a_video.mp4", "empty.webm", "encrypted.mp4", "audio_only.mp4"} <= refused
    ready = {video.filename for video in all_videos(library) if video.state is VideoState.READY}
    assert {"vfr.mp4", "rotate_90.mov", "te[s]t_ video ' _ .flv", "no_duration.webm"} <= ready
    assert_each_video_is_indexed_exactly_once(library)
