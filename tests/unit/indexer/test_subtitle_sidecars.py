"""Which files beside a video are its subtitles, and what becomes of those that cannot be read."""

import os
import time
from pathlib import Path

import pytest

from indexer.cue_text import NewCue
from indexer.subtitle_sidecars import FolderNames, SidecarFinder

CUE = "00:00:01,000 --> 00:00:02,000\n{}\n"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"film.mp4", "film.srt", "film.VTT"}, [("film.VTT", None), ("film.srt", None)]),
        ({"film.mp4", "film.en.srt", "film.pt-BR.vtt"}, [("film.en.srt", "en"), ("film.pt-BR.vtt", "pt-BR")]),
        ({"film.mp4", "film.mp4.srt", "film.en.forced.srt", "film.sdh.srt"},
         [("film.en.forced.srt", "en"), ("film.mp4.srt", None), ("film.sdh.srt", None)]),
        ({"film.mp4", "film.part2.srt", "films.srt", "film.txt", "film 2.srt", ".srt", "film.en.idx"}, []),
        ({"film.mp4", "film.en.mp4", "film.en.srt"}, []),
        ({"film.mp4", "film.mkv", "film.mkv.srt"}, []),
        ({"film.mp4", "film.mkv", "film.srt"}, [("film.srt", None)]),
    ],
)  # fmt: skip
def test_subtitles_belong_to_the_video_of_their_name(
    names: set[str], expected: list[tuple[str, str | None]]
) -> None:
    assert list(FolderNames(names).belonging("film.mp4")) == expected


def test_finding_the_subtitles_of_a_large_folder_takes_no_longer_than_listing_it() -> None:
    videos = [f"film{number}.mp4" for number in range(3000)]
    started = time.process_time()

    names = FolderNames({*videos, *(video.replace(".mp4", ".en.srt") for video in videos)})

    assert all(list(names.belonging(video)) == [(video.replace(".mp4", ".en.srt"), "en")] for video in videos)
    assert time.process_time() - started < 5


def test_all_subtitles_of_a_video_are_read_with_their_languages(tmp_path: Path) -> None:
    (tmp_path / "film.en.srt").write_text(CUE.format("hello"))
    (tmp_path / "film.de.srt").write_text(CUE.format("hallo") + "\n00:00:09,000 --> 00:00:01,000\nno\n")

    found = SidecarFinder().read(tmp_path / "film.mp4")

    assert found.cues == [NewCue(1.0, 2.0, "hallo", "de"), NewCue(1.0, 2.0, "hello", "en")]
    assert found.notes == ("film.de.srt: cues left out for impossible times: 1",)


def test_what_cannot_be_read_is_passed_over_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "film.srt").write_bytes(b"\x00\x01")
    (tmp_path / "film.de.srt").mkdir()
    os.mkfifo(tmp_path / "film.fr.srt")
    (tmp_path / "film.it.srt").symlink_to("nowhere")
    with (tmp_path / "film.es.srt").open("wb") as file:
        file.truncate(1 << 40)

    found = SidecarFinder().read(tmp_path / "film.mp4")

    assert found.cues == []
    assert [note.split(" was passed over")[0] for note in found.notes] == [
        "film.de.srt", "film.es.srt", "film.fr.srt", "film.it.srt", "film.srt"
    ]  # fmt: skip
    assert "No such file" in found.notes[3]


def test_a_folder_that_is_gone_holds_no_subtitles(tmp_path: Path) -> None:
    assert SidecarFinder().read(tmp_path / "gone" / "film.mp4").cues == []
