"""A generation built from media beside the one that serves: nothing of what serves changes meanwhile."""

import dataclasses
import signal
import threading
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import select

from indexer.batch.display import BatchDisplay
from indexer.catalog import generation_states, generations, jobs, videos
from indexer.catalog.generation_states import Scope
from indexer.catalog.states import GenerationState, JobState, Priority, VideoState
from indexer.catalog.tables import Clip, Job, Video
from indexer.errors import CannotPromote, GenerationInUse, UnknownGeneration, VideosMissing
from indexer.generation_models import GenerationModel
from indexer.library import Library
from indexer.reindexing import promotion, reindex
from indexer.reindexing.listing import GenerationStatus, list_generations
from indexer.reindexing.reindex import BuildResult
from indexer.worker import Worker
from model.factory import Encoders
from tests.fakes import fake_encoders
from tests.indexing import encoders_that, enqueue, stuck_process, the_job, worker_of
from tests.synthetic_video import write_plain

STOPPED_WITHIN_S = 20.0
"""Generous for a busy machine."""


def other_encoders() -> Encoders:
    fake = fake_encoders()
    return dataclasses.replace(fake, settings=dataclasses.replace(fake.settings, architecture="other"))


def index(library: Library, folder: Path, *names: str) -> Worker:
    """Index a video a name with the model that serves."""
    worker = worker_of(library)
    for number, name in enumerate(names, 1):
        enqueue(library, write_plain(folder / f"{name}.mp4", number))
        assert worker.run_one() is not None
    return worker


def start(library: Library, scope: Scope | None = None) -> GenerationModel:
    return reindex.start_building(library, other_encoders(), scope or Scope())


def build(library: Library, model: GenerationModel) -> BuildResult:
    return reindex.build(Worker(library, model), BatchDisplay(Console(quiet=True)))


def statuses(library: Library) -> list[GenerationStatus]:
    with library.database.reading() as session:
        return list_generations(session)


def clip_ids(library: Library) -> list[str]:
    with library.database.reading() as session:
        return list(session.scalars(select(Clip.id).order_by(Clip.id)))


def states(library: Library) -> list[GenerationState]:
    return [one.state for one in statuses(library)]


def video_states(library: Library) -> set[VideoState]:
    with library.database.reading() as session:
        return set(session.scalars(select(Video.state)))


def test_a_generation_is_built_beside_the_one_that_serves_and_shares_its_clips(
    library: Library, tmp_path: Path
) -> None:
    index(library, tmp_path, "a", "b")
    before = clip_ids(library)
    result = build(library, start(library))
    assert (result.read, result.unread) == (2, [])
    assert clip_ids(library) == before
    serving, built = statuses(library)
    assert (serving.state, built.state) == (GenerationState.SERVING, GenerationState.BUILDING)
    assert (built.videos, built.videos_lacking, built.videos_waiting) == (2, 0, 0)
    assert built.vectors == serving.vectors > 0
    assert built.speed is not None
    assert video_states(library) == {VideoState.READY}


def test_only_some_videos_are_read_on_demand_and_the_same_command_goes_on_with_the_rest(
    library: Library, tmp_path: Path
) -> None:
    index(library, tmp_path, "a", "b")
    with library.database.writing() as session:
        first = session.scalars(select(Video).where(Video.filename == "a.mp4")).one()
        first.collection = "news"
    assert build(library, start(library, Scope(collections=["news"]))).read == 1
    assert build(library, start(library, Scope(video_ids=[first.id]))).read == 0
    assert statuses(library)[1].videos_lacking == 1
    assert build(library, start(library)).read == 1
    with pytest.raises(ValueError, match="no video is in a collection 'olds'"):
        start(library, Scope(collections=["olds"]))
    with pytest.raises(ValueError, match="there is no video 'f00'"):
        start(library, Scope(video_ids=["f00"]))


def test_an_upload_while_a_generation_is_built_lands_in_both(library: Library, tmp_path: Path) -> None:
    serving = index(library, tmp_path, "a")
    model = start(library)
    job_id = enqueue(library, write_plain(tmp_path / "late.mp4", 3))
    assert build(library, model).read == 2
    assert the_job(library, job_id).state is JobState.QUEUED  # a builder leaves what is not its own
    with library.database.reading() as session:
        late = session.scalars(select(Video).where(Video.filename == "late.mp4")).one()
        assert jobs.latest(session, [late.id])[late.id].id == job_id
    assert late.state is VideoState.PENDING
    assert serving.run_one() is not None
    assert [one.videos for one in statuses(library)] == [2, 2]
    with library.database.writing() as session:
        assert videos.delete(session, late.id)
    assert [one.videos for one in statuses(library)] == [1, 1]


def test_a_video_that_cannot_be_read_again_stays_ready_and_keeps_the_generation_from_serving(
    library: Library, tmp_path: Path
) -> None:
    index(library, tmp_path, "a", "b")
    model = start(library)
    (tmp_path / "b.mp4").unlink()
    result = build(library, model)
    assert [(one.filename, one.code) for one in result.unread] == [("b.mp4", "media-missing")]
    assert video_states(library) == {VideoState.READY}
    with pytest.raises(
        VideosMissing, match=r"generation 2 lacks 1 of the videos .* generation 1: 'b'\. Go on"
    ):
        promotion.promote(library, model.generation_id)
    assert states(library) == [GenerationState.SERVING, GenerationState.BUILDING]

    promoted = promotion.promote(library, model.generation_id, is_partial=True)
    assert (promoted.generation_id, promoted.videos_queued) == (2, 1)
    assert states(library) == [GenerationState.RETIRED, GenerationState.SERVING]


def test_promoting_and_rolling_back_exchange_what_serves_and_queue_what_is_lacking(
    library: Library, tmp_path: Path
) -> None:
    former = index(library, tmp_path, "a")
    model = start(library)
    with pytest.raises(CannotPromote, match="generation 2 has read no video"):
        promotion.promote(library, model.generation_id)
    with pytest.raises(CannotPromote, match="no generation served before this one"):
        promotion.roll_back(library)
    build(library, model)
    assert promotion.promote(library, 2).videos_queued == 0
    enqueue(library, write_plain(tmp_path / "new.mp4", 2))
    assert former.run_one() is None  # its model serves no more
    assert Worker(library, model).run_one() is not None

    assert promotion.roll_back(library).videos_queued == 1
    assert states(library) == [GenerationState.SERVING, GenerationState.RETIRED]
    assert former.run_one() is not None
    assert [one.videos for one in statuses(library)] == [2, 2]
    with pytest.raises(UnknownGeneration, match="there is no generation 7"):
        promotion.promote(library, 7)


def test_a_video_that_is_indexed_while_another_generation_is_promoted_is_indexed_for_that_one(
    library: Library, tmp_path: Path
) -> None:
    index(library, tmp_path, "a")
    model = start(library)
    build(library, model)
    slow = Worker(library, GenerationModel(1, encoders_that(lambda: promote_once(library))))
    job_id = enqueue(library, write_plain(tmp_path / "late.mp4", 2))
    assert slow.run_one() is not None
    job = the_job(library, job_id)
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)

    assert Worker(library, model).run_one() is not None
    assert the_job(library, job_id).state is JobState.DONE
    assert [one.videos for one in statuses(library)] == [2, 2]
    assert video_states(library) == {VideoState.READY}


def promote_once(library: Library) -> None:
    if states(library)[1] is GenerationState.BUILDING:
        promotion.promote(library, 2)


def test_a_paused_generation_waits_and_goes_on(library: Library, tmp_path: Path) -> None:
    index(library, tmp_path, "a", "b")
    model = start(library)
    with library.database.writing() as session:
        generation_states.set_paused(session, 2, True)
    assert Worker(library, model).run_one() is None
    results: list[BuildResult] = []
    builder = threading.Thread(target=lambda: results.append(build(library, model)))
    builder.start()
    with library.database.writing() as session:
        generation_states.set_paused(session, 2, False)
    builder.join()
    assert results[0].read == 2


def test_retiring_deletes_vectors_jobs_and_snapshot_and_what_serves_keeps_its_own(
    library: Library, tmp_path: Path
) -> None:
    index(library, tmp_path, "a")
    model = start(library)
    build(library, model)
    library.snapshot_path(2).parent.mkdir(exist_ok=True)
    library.snapshot_path(2).write_bytes(b"snapshot")
    serving, built = statuses(library)
    with pytest.raises(GenerationInUse, match="generation 1 answers searches"):
        promotion.retire(library, 1)
    retired = promotion.retire(library, 2)
    assert (retired.vectors, retired.snapshot_bytes) == (built.vectors, len(b"snapshot"))
    assert not library.snapshot_path(2).exists()
    after, gone = statuses(library)
    assert (after.vectors, after.videos) == (serving.vectors, 1)
    assert (gone.vectors, gone.state) == (0, GenerationState.RETIRED)
    with library.database.reading() as session:
        assert session.scalars(select(Job).where(Job.generation_id == 2)).all() == []
        assert generations.current_revision(session, 2) == 0
    assert build(library, start(library)).read == 1  # the same settings are the same generation again


def test_a_generation_that_is_retired_while_it_is_built_ends_the_build(
    library: Library, tmp_path: Path
) -> None:
    index(library, tmp_path, "a", "b")

    def retire() -> None:
        promotion.retire(library, 2)

    fake = encoders_that(retire)
    settings = dataclasses.replace(fake.settings, architecture="other")
    model = reindex.start_building(library, dataclasses.replace(fake, settings=settings), Scope())
    result = build(library, model)
    assert (result.read, result.unread) == (0, [])
    assert statuses(library)[1].vectors == 0


def test_an_interrupted_build_gives_its_job_back_and_ends_with_130(library: Library, tmp_path: Path) -> None:
    worker = worker_of(library, other_encoders())
    enqueue(library, write_plain(tmp_path / "a.mp4", 1))
    assert worker.run_one() is not None
    with stuck_process(library, 0, "reindex", "--preset", "fake") as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(STOPPED_WITHIN_S) == 130
    with library.database.reading() as session:
        job = session.scalars(select(Job).where(Job.generation_id == 2)).one()
    assert (job.state, job.attempts, job.priority) == (JobState.QUEUED, 0, Priority.REBUILD)
    assert video_states(library) == {VideoState.READY}


def test_workers_share_a_build_and_a_follower_takes_the_model_that_was_promoted(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(library, tmp_path, "a", "b")
    model = start(library)
    builders = [Worker(library, model) for _ in range(2)]
    assert all(builder.run_one() is not None for builder in builders)
    assert builders[0].run_one() is None

    following = Worker(library, GenerationModel(1, fake_encoders()), follows=True)
    monkeypatch.setattr("model.factory.load_encoders", lambda *_, **__: other_encoders())
    promotion.promote(library, 2)
    enqueue(library, write_plain(tmp_path / "c.mp4", 3))
    assert following.run_one() is not None
    assert following.generation_id == 2
    assert [one.videos for one in statuses(library)] == [2, 3]


def test_a_follower_that_cannot_load_the_model_that_was_promoted_leaves_its_jobs(
    library: Library, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index(library, tmp_path, "a")
    build(library, start(library))
    following = Worker(library, GenerationModel(1, fake_encoders()), follows=True)
    promotion.promote(library, 2)
    job_id = enqueue(library, write_plain(tmp_path / "b.mp4", 2))
    assert following.run_one() is None
    assert following.run_one() is None
    assert caplog.text.count("another model serves now") == 1
    assert the_job(library, job_id).state is JobState.QUEUED
