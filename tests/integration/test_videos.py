"""Videos: the same bytes are one video, pages neither repeat nor skip, deleting leaves only tombstones."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from indexer.catalog import generations, job_claims, jobs, videos
from indexer.catalog.clips import store
from indexer.catalog.session import Database
from indexer.catalog.states import VideoState
from indexer.catalog.tables import Base, Clip, Embedding, Generation, Job, Tombstone, Video
from indexer.catalog.videos import NewVideo
from tests.factories import make_generation, make_new_clip, make_video, store_video
from tests.job_claims import claimant

NEW = NewVideo(
    sha256="a" * 64,
    filename="Cat on a mat.mp4",
    media_path="/videos/cat.mp4",
    is_managed=False,
    size_bytes=10,
)


def rows(database: Database, table: type[Base]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_new_video_waits_and_is_titled_by_its_file_name(database: Database) -> None:
    with database.writing() as session:
        video, is_new = videos.add_or_get(session, NEW)

    assert is_new
    assert (video.title, video.state, video.extra) == ("Cat on a mat", VideoState.PENDING, {})
    with database.reading() as session:
        stored = videos.get(session, video.id)
        assert stored is not None
        assert stored.added_at.utcoffset() == timedelta(0)
        assert stored.sha256 == NEW.sha256


@pytest.mark.parametrize(("filename", "title"), [(".mp4", ".mp4"), ("übung.2.mov", "übung.2"), ("a", "a")])
def test_every_file_name_gives_a_title(database: Database, filename: str, title: str) -> None:
    new = NewVideo(sha256="b" * 64, filename=filename, media_path="x", is_managed=True, size_bytes=1)

    with database.writing() as session:
        assert videos.add_or_get(session, new)[0].title == title


def test_the_same_bytes_under_another_name_are_the_same_video(database: Database) -> None:
    again = NewVideo(
        sha256=NEW.sha256, filename="copy.mp4", media_path="copy", is_managed=True, size_bytes=10
    )
    with database.writing() as session:
        first, _ = videos.add_or_get(session, NEW)
    with database.writing() as session:
        second, is_new = videos.add_or_get(session, again)

    assert not is_new
    assert (second.id, second.filename) == (first.id, "Cat on a mat.mp4")


def test_the_same_bytes_sent_twice_at_once_are_one_video(database: Database) -> None:
    def add(_: int) -> tuple[str, bool]:
        with database.writing() as session:
            video, is_new = videos.add_or_get(session, NEW)
            return video.id, is_new

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(add, range(4)))

    assert len({video_id for video_id, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1


def test_pages_show_every_video_once_newest_first_even_when_one_comes_or_goes_between(
    database: Database,
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    added = [make_video(added_at=start + timedelta(minutes=n // 2)) for n in range(6)]  # pairs at one moment
    with database.writing() as session:
        session.add_all(added)
    with database.reading() as session:
        page = videos.list_page(session, limit=3)
        everything = videos.list_page(session, limit=100)
    with database.writing() as session:
        videos.delete(session, page[-1].id)
        session.add(make_video(added_at=start + timedelta(days=1)))
    with database.reading() as session:
        rest = videos.list_page(session, limit=100, after=(page[-1].added_at, page[-1].id))

    assert [video.id for video in page + rest] == [video.id for video in everything]
    assert [video.added_at for video in everything] == sorted(
        (video.added_at for video in added), reverse=True
    )


def test_deleting_a_video_leaves_a_tombstone_for_each_clip_vector_of_every_generation(
    database: Database,
) -> None:
    with database.writing() as session:
        first, second = make_generation(), make_generation()
        session.add_all([first, second])
        video = store_video(session, first, make_new_clip(1), make_new_clip(2, start_s=4.0))
        other = store_video(session, first, make_new_clip(3))
        store(
            session, video=video, generation=second, clips=[make_new_clip(1), make_new_clip(2, start_s=4.0)]
        )
        jobs.enqueue(session, video.id)

    with database.writing() as session:
        assert videos.delete(session, video.id)

    assert [rows(database, table) for table in (Video, Clip, Embedding, Job)] == [1, 1, 3, 0]
    with database.reading() as session:
        assert videos.get(session, other.id) is not None
        stamps = session.execute(
            select(Tombstone.generation_id, Tombstone.revision, func.count())
            .group_by(Tombstone.generation_id, Tombstone.revision)
            .order_by(Tombstone.generation_id)
        ).all()
        assert [tuple(stamp) for stamp in stamps] == [(first.id, 3, 2), (second.id, 2, 2)]
        assert generations.current_revision(session, first.id) == 3


def test_deleting_what_is_not_there_says_so_and_takes_no_revision(database: Database) -> None:
    with database.writing() as session:
        generation = make_generation()
        session.add(generation)
        pending = make_video()
        session.add(pending)

    with database.writing() as session:
        assert not videos.delete(session, "nowhere")
        assert videos.delete(session, pending.id)
        assert not videos.delete(session, pending.id)

    with database.reading() as session:
        assert generations.current_revision(session, generation.id) == 0


def test_a_video_deleted_while_its_worker_commits_leaves_no_vector_without_a_tombstone(
    database: Database,
) -> None:
    with database.writing() as session:
        generation, video = make_generation(), make_video()
        session.add_all([generation, video])
        session.flush()
        jobs.enqueue(session, video.id)
        job = job_claims.claim(session, claimant())
    if job is None:
        raise LookupError("there was nothing to claim")

    def delete() -> bool:
        with database.writing() as session:
            return videos.delete(session, video.id)

    with ThreadPoolExecutor(1) as threads:
        with database.writing() as session:
            assert jobs.heartbeat(
                session, job, "storing", 1.0
            )  # the job's row is locked, the video's is not yet
            deleting = threads.submit(delete)
            wait((deleting,), timeout=0.5)  # so that it has come as far as it can beside this transaction
            assert jobs.finish(session, job)
            store(
                session,
                video=session.get_one(Video, video.id),
                generation=session.get_one(Generation, generation.id),
                clips=[make_new_clip(1), make_new_clip(2, start_s=4.0)],
            )
        assert deleting.result()

    assert [rows(database, table) for table in (Video, Clip, Embedding, Tombstone)] == [0, 0, 0, 2]


def test_what_a_worker_finds_in_a_video_deleted_meanwhile_is_refused(database: Database) -> None:
    with database.writing() as session:
        generation, video = make_generation(), make_video()
        session.add_all([generation, video])
    with database.writing() as session:
        videos.delete(session, video.id)

    with pytest.raises(LookupError, match="deleted while it was indexed"), database.writing() as session:
        store(session, video=video, generation=generation, clips=[make_new_clip(1)])

    assert rows(database, Clip) == 0


def test_videos_are_counted_by_state(database: Database) -> None:
    states = [VideoState.PENDING, VideoState.INDEXING, VideoState.INDEXING, VideoState.FAILED]
    with database.writing() as session:
        session.add_all([make_video(state=state) for state in states])

    with database.reading() as session:
        counts = videos.counts_by_state(session)
    assert counts == {VideoState.PENDING: 1, VideoState.INDEXING: 2, VideoState.FAILED: 1}
    assert counts[VideoState.READY] == 0


def test_labels_and_dates_of_videos_are_read_and_unknown_videos_left_out(database: Database) -> None:
    recorded_at = datetime(2024, 5, 1, tzinfo=UTC)
    with database.writing() as session:
        dated, undated = make_video(recorded_at=recorded_at, extra={"camera": 2}), make_video()
        session.add_all([dated, undated])
    video_ids = [dated.id, undated.id, "f" * 32]

    with database.reading() as session:
        labels = videos.labels_of(session, video_ids)
        recorded = videos.dates_of(session, video_ids, is_recorded=True)
        added = videos.dates_of(session, video_ids, is_recorded=False)
    assert set(labels) == {dated.id, undated.id}
    label = labels[dated.id]
    assert (label.title, label.recorded_at, label.extra) == (dated.title, recorded_at, {"camera": 2})
    assert recorded == {dated.id: recorded_at, undated.id: None}
    assert added == {dated.id: dated.added_at, undated.id: undated.added_at}


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_on_postgres_a_job_that_comes_while_a_deletion_waits_is_locked_by_it_too(database: Database) -> None:
    with database.writing() as session:
        video, _ = videos.add_or_get(session, NEW)
    is_locked, may_end = threading.Event(), threading.Event()

    def delete() -> None:
        with database.writing() as session:
            videos.lock(session, video.id)
            is_locked.set()
            may_end.wait(5)
            videos.delete(session, video.id)

    with ThreadPoolExecutor(1) as threads:
        with database.writing() as session:
            jobs.enqueue(session, video.id)
            deleting = threads.submit(delete)
            time.sleep(0.3)  # it waits for the video
        assert is_locked.wait(5)
        with database.writing() as session:  # a claim would go on to the video: each would wait for the other
            assert job_claims.claim(session, claimant()) is None
        may_end.set()
        deleting.result()
    assert rows(database, Job) == rows(database, Video) == 0
