"""Ingest with real files, a real decoder, a real database, fake encoders: all or nothing."""

import errno
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, text, update

from indexer.catalog import jobs, vector_codec, videos
from indexer.catalog.states import EmbeddingKind, JobState, VideoState
from indexer.catalog.tables import Clip, Embedding, Generation, Job, Video
from indexer.config import Settings
from indexer.ingest import IngestReport
from indexer.job_lease import Progress
from indexer.library import Library, open_library
from model.factory import Encoders
from tests.fakes import DIMENSION, SEGMENTS_PER_CLIP
from tests.indexing import count_clips, encoders_that, enqueue, the_job, the_video, thumbnails, worker_of
from tests.synthetic_video import write_not_a_video, write_plain, write_two_scenes


def ingest(library: Library, encoders: Encoders | None = None) -> IngestReport | None:
    return worker_of(library, encoders).run_one()


def test_a_good_video_becomes_clips_vectors_and_thumbnails_in_one_revision(
    library: Library, tmp_path: Path
) -> None:
    job_id = enqueue(library, write_two_scenes(tmp_path / "two.mp4"))
    report = ingest(library)

    video = the_video(library)
    assert (video.state, video.codec, video.width, video.height) == (VideoState.READY, "h264", 160, 96)
    assert video.duration_s == pytest.approx(6.0, abs=0.1)
    assert the_job(library, job_id).state is JobState.DONE
    with library.database.reading() as session:
        clips = session.scalars(select(Clip).order_by(Clip.ordinal)).all()
        embeddings = session.scalars(select(Embedding)).all()
        generation = session.scalars(select(Generation)).one()
    assert [clip.start_s for clip in clips] == pytest.approx([0.0, 3.0], abs=0.1)
    assert [embedding.kind for embedding in embeddings].count(EmbeddingKind.CLIP) == 2
    assert [embedding.kind for embedding in embeddings].count(EmbeddingKind.SEGMENT) == 2 * SEGMENTS_PER_CLIP
    assert {embedding.revision for embedding in embeddings} == {generation.revision} == {1}
    vectors = vector_codec.unpack([embedding.vector for embedding in embeddings], DIMENSION)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=2e-3)
    assert [path.read_bytes()[:2] for path in thumbnails(library)] == [b"\xff\xd8"] * 2
    assert all(library.thumbnails.path(clip.thumbnail_key).exists() for clip in clips)
    assert report is not None
    assert (report.clips, report.error) == (2, None)


def test_the_report_tells_how_long_each_stage_took(library: Library, tmp_path: Path) -> None:
    enqueue(library, write_plain(tmp_path / "a.mp4"))
    report = ingest(library)
    assert report is not None
    times = report.timings
    assert min(times.decode_wait_s, times.encode_s, times.store_s) > 0
    assert times.total_s > times.decode_wait_s + times.store_s
    assert report.duration_s == pytest.approx(3.0, abs=0.1)


def test_a_file_that_is_no_video_fails_video_and_job_with_the_reason(
    library: Library, tmp_path: Path
) -> None:
    job_id = enqueue(library, write_not_a_video(tmp_path / "a.mp4"))
    report = ingest(library)

    job, video = the_job(library, job_id), the_video(library)
    assert (job.state, video.state) == (JobState.FAILED, VideoState.FAILED)
    assert job.error_code == video.error_code == "not-a-video"
    assert job.error_message == video.error_message
    assert "a.mp4" in (job.error_message or "")
    assert report is not None
    assert report.error is not None
    assert (count_clips(library), thumbnails(library)) == (0, [])


def test_a_refused_upload_is_named_as_the_person_named_it(library: Library, tmp_path: Path) -> None:
    job_id = enqueue(library, write_not_a_video(tmp_path / f"{'0' * 64}.mp4"))
    with library.database.writing() as session:
        session.execute(update(Video).values(filename="My holidays.mp4"))
    ingest(library)
    message = the_job(library, job_id).error_message or ""
    assert message.startswith("My holidays.mp4 is not a video")


@pytest.mark.allow_error_logs
def test_a_transaction_that_fails_leaves_no_clip_and_no_thumbnail(library: Library, tmp_path: Path) -> None:
    job_id = enqueue(library, write_two_scenes(tmp_path / "two.mp4"))
    with library.database.writing() as session:
        session.execute(
            text(
                "CREATE TRIGGER broken BEFORE INSERT ON embeddings "
                "WHEN NEW.kind = 'segment' AND NEW.ordinal = 2 "
                "BEGIN SELECT RAISE(ABORT, 'disk on fire'); END"
            )
        )
    ingest(library)

    job, video = the_job(library, job_id), the_video(library)
    assert (job.state, job.error_code) == (JobState.FAILED, "internal-error")
    assert "disk on fire" in (job.error_message or "")
    assert (video.state, video.duration_s) == (VideoState.FAILED, None)
    assert (count_clips(library), thumbnails(library)) == (0, [])
    with library.database.reading() as session:
        assert session.scalars(select(Generation.revision)).one() == 0


@pytest.mark.allow_error_logs
def test_an_unexpected_error_fails_that_job_and_the_next_one_is_done(
    library: Library, tmp_path: Path
) -> None:
    def break_down() -> None:
        raise RuntimeError("the encoder fell over")

    broken = enqueue(library, write_plain(tmp_path / "a.mp4"))
    ingest(library, encoders_that(break_down))
    good = enqueue(library, write_plain(tmp_path / "b.mp4", duration_s=4))
    ingest(library)

    assert the_job(library, broken).error_code == "internal-error"
    assert "the encoder fell over" in (the_job(library, broken).error_message or "")
    assert the_job(library, good).state is JobState.DONE
    assert len(thumbnails(library)) == 1


def test_a_job_that_another_worker_took_over_is_left_alone(library: Library, tmp_path: Path) -> None:
    def take_over() -> None:
        with library.database.writing() as session:
            session.execute(update(Job).values(token=Job.token + 1, owner="other:1"))

    job_id = enqueue(library, write_plain(tmp_path / "a.mp4"))
    assert ingest(library, encoders_that(take_over)) is None

    job = the_job(library, job_id)
    assert (job.state, job.owner) == (JobState.RUNNING, "other:1")
    assert the_video(library).state is VideoState.INDEXING
    assert count_clips(library) == 0


@pytest.mark.allow_error_logs
def test_a_failing_ingest_leaves_the_thumbnails_of_the_worker_that_took_over(
    library: Library, tmp_path: Path
) -> None:
    def take_over_and_fail() -> None:
        with library.database.writing() as session:
            session.execute(update(Job).values(token=Job.token + 1, owner="other:1"))
        raise ValueError("too late")

    enqueue(library, write_plain(tmp_path / "a.mp4"))
    assert ingest(library, encoders_that(take_over_and_fail)) is None
    assert len(thumbnails(library)) == 1
    assert the_video(library).state is VideoState.INDEXING


def test_a_video_deleted_while_it_is_indexed_leaves_nothing(library: Library, tmp_path: Path) -> None:
    def delete_video() -> None:
        with library.database.writing() as session:
            videos.delete(session, session.scalars(select(Video.id)).one())

    enqueue(library, write_plain(tmp_path / "a.mp4"))
    assert ingest(library, encoders_that(delete_video)) is None
    assert (count_clips(library), thumbnails(library)) == (0, [])


def test_an_interrupted_ingest_goes_back_to_the_queue_as_if_not_begun(
    library: Library, tmp_path: Path
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.stage == "storing":
            raise KeyboardInterrupt

    job_id = enqueue(library, write_plain(tmp_path / "a.mp4"))
    with pytest.raises(KeyboardInterrupt):
        worker_of(library).run_one(on_progress=interrupt)

    job = the_job(library, job_id)
    assert (job.state, job.attempts, job.owner) == (JobState.QUEUED, 0, None)
    assert the_video(library).state is VideoState.PENDING
    assert (count_clips(library), thumbnails(library)) == (0, [])
    ingest(library)
    assert the_video(library).state is VideoState.READY


@pytest.mark.parametrize("change", ["delete", "replace"])
def test_a_file_that_is_gone_or_changed_is_refused_with_the_way_out(
    library: Library, tmp_path: Path, change: str
) -> None:
    path = write_plain(tmp_path / "a.mp4")
    job_id = enqueue(library, path)
    path.unlink()
    if change == "replace":
        write_plain(path, duration_s=5)
    ingest(library)

    job = the_job(library, job_id)
    assert job.error_code == "media-missing"
    assert str(path) in (job.error_message or "")
    assert "index" in (job.error_message or "")


def test_thumbnails_that_a_killed_attempt_left_do_not_stay(library: Library, tmp_path: Path) -> None:
    enqueue(library, write_plain(tmp_path / "a.mp4"))
    sha256 = the_video(library).sha256
    library.thumbnails.write(f"{sha256[:2]}/{sha256}/0000099999.jpg", b"left over")
    ingest(library)
    assert [path.name for path in thumbnails(library)] == ["0000000000.jpg"]


def test_a_failing_encoder_of_a_second_generation_keeps_the_first_one_s_thumbnails(
    library: Library, tmp_path: Path
) -> None:
    path = write_plain(tmp_path / "a.mp4")
    enqueue(library, path)
    ingest(library)
    path.unlink()
    with library.database.writing() as session:
        jobs.enqueue(session, the_video(library).id)
    ingest(library)
    assert the_video(library).error_code == "media-missing"
    assert (count_clips(library), len(thumbnails(library))) == (1, 1)


def test_progress_runs_through_the_stages(library: Library, tmp_path: Path) -> None:
    told: list[Progress] = []
    enqueue(library, write_two_scenes(tmp_path / "two.mp4"))
    worker_of(library).run_one(on_progress=told.append)
    assert list(dict.fromkeys(progress.stage for progress in told)) == ["decoding", "encoding", "storing"]
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < fractions[-1] == 1.0
    assert told[-1].decoded_s == pytest.approx(6.0, abs=0.1)


def test_every_ending_of_a_job_works_on_every_database(database_url: str, tmp_path: Path) -> None:
    library = open_library(Settings(home=tmp_path / "home", database_url=database_url))

    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    enqueue(library, write_plain(tmp_path / "good.mp4", duration_s=1))
    with pytest.raises(KeyboardInterrupt):
        worker_of(library).run_one(on_progress=interrupt)
    enqueue(library, write_not_a_video(tmp_path / "bad.mp4"))
    reports = [ingest(library) for _ in range(3)]
    library.close()

    codes = [report.error.code if report.error else "indexed" for report in reports if report is not None]
    assert codes == ["indexed", "not-a-video"]


def test_a_disk_that_becomes_full_fails_the_job_with_that_reason_and_leaves_nothing(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("indexer.thumbnails.ThumbnailStore.write", fill)
    job_id = enqueue(library, write_plain(tmp_path / "a.mp4", duration_s=1))
    worker_of(library).run_one()
    job = the_job(library, job_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "disk-full")
    assert (count_clips(library), thumbnails(library)) == (0, [])
