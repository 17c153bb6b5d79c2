"""`reelseek search` and `reelseek export`, run in this process with fake encoders."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import cli
from indexer.catalog import clips, generations
from indexer.catalog.clips import NewClip
from indexer.catalog.tables import Video
from tests.fakes import FakeVideoEncoder, fake_encoders
from tests.service import Service, open_service

NOBODY = "f" * 32

STARTS = {"red": 0.0, "blue": 4.0}

Run = Callable[..., int]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the library's folder that the command line uses."""
    monkeypatch.setenv("REELSEEK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("model.factory.load_encoders", lambda *_, **__: fake_encoders())
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs the command line and returns its exit status."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["reelseek", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return run


def show_colour(service: Service, colour: str) -> None:
    """Add a video with one clip, which shows a colour."""
    video = service.add_video([])
    vector = FakeVideoEncoder().encode_images(np.asarray(Image.new("RGB", (32, 32), colour))[None])[0]
    start_s = STARTS[colour]
    with service.library.database.writing() as session:
        clip = NewClip(start_s, start_s + 4, f"ab/{colour}.jpg", vector, vector[None])
        generation = generations.get(session, service.services.generation_id)
        clips.store(session, video=session.get_one(Video, video.id), generation=generation, clips=[clip])


@pytest.fixture
def found(run: Run, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[float]]:
    """Return what searches and returns where the hits begin."""

    def found(*arguments: str) -> list[float]:
        assert run("search", *arguments, "--no-merge", "--no-collapse", "--json") == 0
        return [hit["start"] for hit in json.loads(capsys.readouterr().out)["data"]]

    return found


def test_json_is_the_answer_of_the_http_interface(
    home: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_service(home) as service:
        service.add_video(["a dog", "a cat", "a bird"], collection="pets", extra={"camera": "A"})
        parameters = {"q": "a cat -dog", "limit": "2", "collection": "pets"}
        parameters |= {"meta.camera": "A", "merge": "false"}
        answered = service.client.get("/search", params=parameters).json()
    options = ["--limit", "2", "--collection", "pets", "--meta", "camera=A", "--no-merge", "--json"]
    assert run("search", "a cat -dog", *options) == 0
    printed = json.loads(capsys.readouterr().out)
    for answer in (answered, printed):
        del answer["timing_ms"]
    assert printed == answered
    assert len(printed["data"]) == 2


def test_clips_and_parts_of_videos_are_examples(home: Path, found: Callable[..., list[float]]) -> None:
    with open_service(home) as service:
        video = service.add_video(["a dog", "a cat", "a bird"])
        dog, _, bird = service.clips_of(video)
    assert set(found("--like-clip", dog.id)) == {4.0, 8.0}
    part = ["--like-video", video.id, "--like-start", "4", "--like-end", "8"]
    assert set(found(*part)) == {0.0, 8.0}
    assert found("a cat", "--relevant", dog.id, "--irrelevant", bird.id)[-1] != 8.0


def test_an_image_is_an_example(home: Path, found: Callable[..., list[float]], tmp_path: Path) -> None:
    with open_service(home) as service:
        for colour in ("red", "blue"):
            show_colour(service, colour)
    Image.new("RGB", (60, 40), "blue").save(tmp_path / "blue.png")
    assert found("--image", str(tmp_path / "blue.png"), "--limit", "1") == [STARTS["blue"]]


def test_a_sequence_can_be_typed(home: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with open_service(home) as service:
        service.add_video(["a dog", "a cat", "a bird"])
    assert run("search", "a dog", "--then", "a cat", "--then", "a bird", "--within", "10", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert [step["start"] for step in answer["data"][0]["steps"]] == [0.0, 4.0, 8.0]
    assert answer["query"] == "a dog → a cat → a bird"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "WORDS: describe a moment in words, or give --like-clip"),
        ([" "], "WORDS"),
        (["a cat", "--limit", "0"], "--limit is '0'"),
        (["a cat", "--then", "-a -b"], "--then"),
        (["a cat", "--like-start", "3"], "--like-start is 3.0: which video? give --like-video too"),
        (["--like-clip", NOBODY], f"--like-clip is '{NOBODY}'"),
        (["--like-video", NOBODY], f"--like-video is '{NOBODY}'"),
        (["a cat", "--cursor", "mine"], "--cursor: cursor 'mine' is damaged"),
        (["a cat", "--meta", "camera"], "--meta is 'camera'"),
        (["a cat", "--meta", "camera=A"], "--meta camera is 'camera': no video has the metadata key"),
        (["--image", "/nowhere.png"], "--image is '/nowhere.png': No such file"),
        (["--image", __file__], "--image: the file is no image"),
    ],
)
def test_a_wrong_option_is_told_in_a_line_that_names_it(
    home: Path, run: Run, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with open_service(home) as service:
        service.add_video(["a cat"])
    assert run("search", *arguments) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(said)
    assert shown.err.count("\n") == 1
    assert shown.out == ""


@pytest.mark.parametrize(("kind", "begins"), [("csv", "rank,"), ("edl", "TITLE: a cat"), ("otio", "{")])
def test_moments_are_exported_to_a_file(
    home: Path, run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str, begins: str
) -> None:
    with open_service(home) as service:
        service.add_video(["a cat", "a dog"])
    output = tmp_path / f"moments.{kind}"
    assert run("export", "a cat", "--no-merge", "--format", kind, "--output", str(output)) == 0
    shown = capsys.readouterr()
    assert output.read_text().startswith(begins)
    assert (shown.out, shown.err) == ("", f"2 moments written to {output}\n")


def test_an_export_goes_to_standard_output_where_no_file_is_named(
    home: Path, run: Run, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    with open_service(home) as service:
        video = service.add_video(["a cat", "a dog"])
        cat, _ = service.clips_of(video)
    assert run("export", "--clip", cat.id, "--moment", f"{video.id}:5-6.5") == 0
    rows = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))
    assert [(row["start"], row["end"]) for row in rows] == [("0.000", "4.000"), ("5.000", "6.500")]


def test_an_export_of_nothing_writes_nothing(
    home: Path, run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("export", "a cat", "--output", str(tmp_path / "moments.csv")) == 1
    assert "there is no moment to export" in capsys.readouterr().err
    assert not (tmp_path / "moments.csv").exists()


def test_an_export_that_cannot_be_written_says_why(
    home: Path, run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with open_service(home) as service:
        service.add_video(["a cat"])
    assert run("export", "a cat", "--output", f"{__file__}/moments.csv") == 2
    assert "--output is" in capsys.readouterr().err


def test_a_search_and_chosen_moments_are_not_exported_together(
    home: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_service(home) as service:
        video = service.add_video(["a cat"])
    for other in (["a cat"], ["--image", __file__], ["--meta", "a=b"]):
        assert run("export", *other, "--moment", f"{video.id}:0-1") == 2
        assert "--moment: export a search or chosen moments" in capsys.readouterr().err
