"""What is said in a video file and beside it becomes searchable with the video, and follows the files."""

from pathlib import Path

import pytest
from rich.console import Console

from indexer.batch.display import BatchDisplay
from indexer.batch.run import BatchResult, run_batch
from indexer.batch.summary import show_result
from indexer.catalog import cues, jobs, videos, words_said
from indexer.catalog.states import CueSource, VideoState
from indexer.cue_text import NewCue
from indexer.folders.walk import walk_videos
from indexer.library import Library
from tests.indexing import enqueue, the_video, worker_of
from tests.subtitled_video import write_subtitled
from tests.synthetic_video import write_plain

CUE = "00:00:01,000 --> 00:00:02,000\n{}\n"


def batch(library: Library, folder: Path) -> BatchResult:
    return run_batch(worker_of(library), list(walk_videos(folder)), BatchDisplay(Console(quiet=True)))


def heard(library: Library, words: str) -> list[str]:
    with library.database.reading() as session:
        return [hit.text for hit in words_said.search(session, words)]


def sources(library: Library) -> dict[str, int]:
    video_id = the_video(library).id
    with library.database.reading() as session:
        found = {source.value: len(cues.stored(session, video_id, source)) for source in CueSource}
    return {source: count for source, count in found.items() if count}


def test_streams_and_sidecars_are_stored_with_the_clips(library: Library, tmp_path: Path) -> None:
    write_subtitled(tmp_path / "film.mkv", {"eng": [(0.0, 1.0, "hello from inside")]})
    (tmp_path / "film.de.srt").write_text(CUE.format("Gruß von daneben"))

    result = batch(library, tmp_path)

    assert (result.indexed, result.new_subtitles) == (1, 0)
    assert heard(library, "hello") == ["hello from inside"]
    assert heard(library, "gruss") == ["Gruß von daneben"]
    assert sources(library) == {"sidecar": 1, "stream": 1}
    assert the_video(library).subtitle_warning is None


def test_odd_subtitles_are_said_in_the_warning_and_never_fail_a_video(
    library: Library, tmp_path: Path
) -> None:
    write_plain(tmp_path / "film.mp4")
    (tmp_path / "film.srt").write_bytes(b"\x00\xff\xfe")
    (tmp_path / "film.en.srt").write_text(CUE.format("good") + "\n00:00:05,000 --> 00:00:04,000\nbad\n")

    assert batch(library, tmp_path).refusals == []

    video = the_video(library)
    assert video.state is VideoState.READY
    assert (video.subtitle_warning or "").startswith(
        "Subtitles: film.en.srt: cues left out for impossible times: 1; film.srt was passed over (no cue"
    )
    assert heard(library, "good bad") == ["good"]


def test_new_changed_and_removed_sidecars_of_indexed_videos_are_taken_in_without_indexing(
    library: Library, tmp_path: Path
) -> None:
    write_plain(tmp_path / "film.mp4")
    batch(library, tmp_path)
    found: list[tuple[int, int, list[str]]] = []

    for text in ("first", "second", "second", None):
        if text is None:
            (tmp_path / "film.srt").unlink()
        else:
            (tmp_path / "film.srt").write_text(CUE.format(text))
        result = batch(library, tmp_path)
        found.append((result.indexed, result.new_subtitles, heard(library, "first second")))

    assert found == [(0, 1, ["first"]), (0, 1, ["second"]), (0, 0, ["second"]), (0, 1, [])]


def test_the_summary_tells_of_new_subtitles() -> None:
    console = Console(record=True, width=100)

    with console.capture() as shown:
        show_result(console, BatchResult(already_indexed=3, new_subtitles=2))

    assert "2 of those already there have new subtitles, now searched" in shown.get()


def test_a_copy_elsewhere_does_not_change_what_is_said(library: Library, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_plain(tmp_path / name / "film.mp4")
    (tmp_path / "a" / "film.srt").write_text(CUE.format("said"))

    batch(library, tmp_path / "a")

    assert batch(library, tmp_path / "b").new_subtitles == 0
    assert heard(library, "said") == ["said"]


def test_what_a_person_uploaded_stands_when_the_video_is_indexed_again(
    library: Library, tmp_path: Path
) -> None:
    write_subtitled(tmp_path / "film.mkv", {"eng": [(0.0, 1.0, "found in the file")]})
    batch(library, tmp_path)
    with library.database.writing() as session:
        video_id = the_video(library).id
        cues.replace_all(session, video_id, [NewCue(0.0, 1.0, "found by a person")], "odd")
        jobs.enqueue(session, video_id)

    assert worker_of(library).run_one() is not None
    (tmp_path / "film.srt").write_text(CUE.format("found beside"))
    assert batch(library, tmp_path).new_subtitles == 0

    assert heard(library, "found") == ["found by a person"]
    assert the_video(library).subtitle_warning == "odd"


@pytest.mark.parametrize("times", [1, 2])
def test_indexing_again_stores_each_cue_once(library: Library, tmp_path: Path, times: int) -> None:
    path = write_subtitled(tmp_path / "film.mkv", {"eng": [(0.0, 1.0, "once")]})
    for _ in range(times):
        enqueue(library, path)
        worker_of(library).run_one()

    assert heard(library, "once") == ["once"]


def test_what_is_said_goes_with_the_video(library: Library, tmp_path: Path) -> None:
    enqueue(library, write_subtitled(tmp_path / "film.mkv", {"eng": [(0.0, 1.0, "gone")]}))
    worker_of(library).run_one()
    video_id = the_video(library).id
    with library.database.writing() as session:
        assert videos.delete(session, video_id)

    assert heard(library, "gone") == []
