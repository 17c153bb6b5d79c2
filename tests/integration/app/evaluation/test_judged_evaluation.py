"""Judgements of a real catalog that measure its generations."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from app import cli
from app.evaluation.judged_evaluation import GenerationQuality, LibraryQuality, evaluate_library
from indexer.catalog import clips, generation_states, generations
from indexer.catalog.judgements import judge
from indexer.catalog.states import GenerationState
from indexer.catalog.tables import Generation, Video
from indexer.config import Settings
from model.factory import Encoders
from tests.fakes import fake_encoders, unit_vector
from tests.service import Service, make_described_clip, open_service, search

QUERIES = [f"thing {number}" for number in range(12)]


def other_encoders() -> Encoders:
    fake = fake_encoders()
    settings = dataclasses.replace(fake.settings, preset="/models/other", architecture="other")
    return dataclasses.replace(fake, settings=settings)


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> dict[str, Encoders]:
    """Return the models that can be loaded, by preset."""
    known = {"fake": fake_encoders(), "/models/other": other_encoders()}

    def load(preset: str, *, reduction: str, device: str) -> Encoders:
        assert (reduction, device) == ("none", "auto")
        if preset not in known:
            raise ValueError(f"there is no model {preset!r}: name another")
        return known[preset]

    monkeypatch.setattr("model.factory.load_encoders", load)
    return known


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Service]:
    """Yield a service over an empty library, once on each database."""
    with open_service(tmp_path / "home", database_url=database_url) as service:
        yield service


def add_judged_videos(service: Service, queries: list[str]) -> list[Video]:
    """Add a video a query of what it asks for and of what it does not, and judge both clips."""
    videos = [service.add_video([query, f"not {query}"]) for query in queries]
    for query, video in zip(queries, videos, strict=True):
        for clip, is_relevant in zip(service.clips_of(video), (True, False), strict=True):
            with service.library.database.writing() as session:
                assert judge(session, query, clip.id, is_relevant=is_relevant)
    return videos


def read_with_other_model(service: Service, videos: list[Video], *, is_good: bool) -> None:
    """Index the videos with another model; a bad one takes the wrong clips for what is asked for."""
    with service.library.database.writing() as session:
        other = generation_states.start_building(session, other_encoders().settings)
        for query, video in zip(QUERIES, videos, strict=False):
            texts = [query, f"not {query}"]
            made = [make_described_clip(video, index, text) for index, text in enumerate(texts)]
            if not is_good:
                shown = [make_described_clip(video, 0, text) for text in texts[::-1]]
                made = [
                    dataclasses.replace(clip, vector=wrong.vector)
                    for clip, wrong in zip(made, shown, strict=True)
                ]
            clips.store(session, video=session.get_one(Video, video.id), generation=other, clips=made)


def evaluate(service: Service) -> LibraryQuality:
    return evaluate_library(service.library.database, Settings(model="fake"))


def evaluate_two(service: Service) -> tuple[GenerationQuality, GenerationQuality]:
    serving, other = evaluate(service).generations
    return serving, other


def test_a_worse_model_is_told_from_the_one_in_use(service: Service) -> None:
    videos = add_judged_videos(service, QUERIES)
    read_with_other_model(service, videos, is_good=False)
    serving, other = evaluate_two(service)
    assert serving.metrics is not None
    assert other.metrics is not None
    assert (serving.is_in_use, other.is_in_use) == (True, False)
    assert (serving.metrics.ndcg_at_10, serving.metrics.recall_at_1) == (1.0, 100.0)
    assert other.metrics.ndcg_at_10 == pytest.approx(0.6309, abs=1e-4)
    assert other.metrics.recall_at_1 == 0.0
    assert (other.metrics.recall_at_5, other.metrics.recall_queries) == (None, (12, 0, 0))
    assert (serving.judgements_used, serving.queries_unusable) == (24, 0)
    assert serving.against_in_use is None
    assert other.against_in_use is not None
    assert (other.against_in_use.verdict, other.against_in_use.queries) == ("worse", 12)


def test_equal_models_cannot_be_told_apart_and_nothing_is_promoted(service: Service) -> None:
    videos = add_judged_videos(service, QUERIES)
    read_with_other_model(service, videos, is_good=True)
    _, other = evaluate_two(service)
    assert other.against_in_use is not None
    assert (other.against_in_use.verdict, other.against_in_use.ndcg_at_10) == ("cannot tell", 0.0)
    with service.library.database.reading() as session:
        states = session.scalars(select(Generation.state).order_by(Generation.id)).all()
    assert states == [GenerationState.SERVING, GenerationState.BUILDING]  # as indexing left them


def test_what_a_generation_has_not_read_and_what_is_cut_otherwise_is_counted(service: Service) -> None:
    videos = add_judged_videos(service, QUERIES[:4])
    read_with_other_model(service, videos[:2], is_good=True)
    with service.library.database.writing() as session:
        gone, one_sided = videos[3], service.clips_of(videos[0])[0]
        generation = generations.get(session, service.services.generation_id)
        made = [make_described_clip(gone, 1, QUERIES[3])]  # its first clip is cut no more
        clips.store(session, video=session.get_one(Video, gone.id), generation=generation, clips=made)
        judge(session, "one-sided", one_sided.id, is_relevant=True)
    quality = evaluate(service)
    assert (quality.judgements, quality.judgements_without_clip, quality.queries) == (9, 1, 5)
    serving, other = quality.generations
    assert (serving.judgements_used, serving.judgements_not_indexed, serving.queries_unusable) == (6, 0, 2)
    assert (other.judgements_used, other.judgements_not_indexed, other.queries_unusable) == (4, 3, 3)


def test_a_model_that_cannot_be_loaded_or_is_another_one_now_is_said_and_the_rest_measured(
    service: Service, models: dict[str, Encoders]
) -> None:
    videos = add_judged_videos(service, QUERIES)
    read_with_other_model(service, videos, is_good=True)
    del models["/models/other"]
    serving, other = evaluate_two(service)
    assert serving.metrics is not None
    assert (other.metrics, other.against_in_use) == (None, None)
    assert other.problem == (
        "the model of generation 2 cannot be loaded: there is no model '/models/other': name another"
    )
    models["/models/other"] = fake_encoders()
    assert "is another one than the one that made the vectors" in str(evaluate_two(service)[1].problem)


def test_words_are_read_as_a_search_reads_them(service: Service) -> None:
    """Without the words that are not wanted, the clip that shows them would come first."""
    dog, people = unit_vector("a dog"), unit_vector("people")
    others = (text for text in QUERIES if dog @ people > dog @ unit_vector(text) > dog @ people - 0.3)
    video = service.add_video(["people", next(others)])
    wrong, right = service.clips_of(video)
    query = '"a dog" -people'
    assert search(service, q=query, merge=False, collapse=False)["data"][0]["clip_id"] == right.id
    with service.library.database.writing() as session:
        for clip in (right, wrong):
            judge(session, query, clip.id, is_relevant=clip is right)
            judge(session, "people -people -people", clip.id, is_relevant=clip is right)
    (serving,) = evaluate(service).generations
    assert serving.metrics is not None
    assert (serving.metrics.queries, serving.metrics.recall_at_1) == (1, 100.0)
    assert serving.queries_unusable == 1  # its words cancel each other out


def test_without_judgements_the_way_to_them_is_named(service: Service) -> None:
    with pytest.raises(ValueError, match=r"nothing is judged yet: .*POST /judgements"):
        evaluate(service)


def test_judgements_that_measure_nothing_say_why(service: Service) -> None:
    (clip,) = service.clips_of(service.add_video(["a cat"]))
    with service.library.database.writing() as session:
        judge(session, "a cat", clip.id, is_relevant=True)
    with pytest.raises(
        ValueError, match=r"the 1 judgements measure no model: generation \d+ \(fake\): no query"
    ):
        evaluate(service)


class TestCommand:
    """The reelseek command, run in this process."""

    @pytest.fixture(autouse=True)
    def home(self, service: Service, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REELSEEK_HOME", str(service.library.settings.home_folder))
        monkeypatch.setenv("REELSEEK_DATABASE_URL", database_url)
        monkeypatch.setenv("COLUMNS", "160")

    def run(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["reelseek", "evaluate-library", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    def test_prints_a_table(
        self, service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        videos = add_judged_videos(service, QUERIES[:7])
        read_with_other_model(service, videos[:6], is_good=False)
        assert self.run(monkeypatch) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "14 judgements of 7 queries" in shown
        assert "1 (in use) │ fake, none │ 1.00 (1.00 to 1.00) │ 100.0 │ – │ – │ 7" in shown
        assert "/models/other, none" in shown
        assert "-0.37 (-0.37 to -0.37): cannot tell" in shown
        assert "Generation 2 (/models/other): 2 judgements left out, of clips that it has not read." in shown
        assert "7 queries are too few to tell models apart: judge hits of 3 more" in shown

    def test_prints_json(
        self, service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        add_judged_videos(service, QUERIES[:2])
        assert self.run(monkeypatch, "--json") == 0
        printed = json.loads(capsys.readouterr().out)
        assert (printed["judgements"], printed["queries"]) == (4, 2)
        (serving,) = printed["generations"]
        assert serving["metrics"]["ndcg_at_10"] == 1.0

    def test_says_when_there_is_no_model_to_compare_with(
        self, service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        add_judged_videos(service, QUERIES[:2])
        with service.library.database.writing() as session:
            generations.ensure(session, other_encoders().settings)
        assert self.run(monkeypatch) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "1 │ fake, none │ 1.00" in shown
        assert "The model in use has read none of what was judged: none is compared with it." in shown

    def test_ends_with_an_error_when_nothing_is_judged(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(monkeypatch) == 1
        shown = capsys.readouterr().err
        assert "nothing is judged yet" in shown
        assert "Traceback" not in shown
