"""A service that goes on answering while another model is promoted: no request is refused, none is mixed."""

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from app.dependencies import services_with
from app.live_services import LiveServices
from indexer.catalog import clips, generation_states
from indexer.catalog.tables import Video
from indexer.errors import ModelUnavailable
from indexer.generation_models import GenerationModel
from indexer.library import open_library
from indexer.reindexing import promotion
from model.factory import Encoders
from tests.fakes import FakeTextEncoder, fake_encoders, unit_vector
from tests.service import Service, make_described_clip, open_service, search

NOTICED_WITHIN_S = 20.0
"""Generous for a busy machine; it looks every second."""


class OtherTextEncoder(FakeTextEncoder):
    """Reads words otherwise, as the clips of its generation are."""

    def encode(self, texts: list[str]) -> NDArray[np.float32]:  # type: ignore[override]
        return np.stack([unit_vector(f"other {text}") for text in texts])


def other_encoders() -> Encoders:
    fake = fake_encoders()
    settings = dataclasses.replace(fake.settings, preset="other", architecture="other")
    return Encoders(fake.video, OtherTextEncoder(), settings)


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> dict[str, Encoders]:
    """Return the models that can be loaded, by preset."""
    known = {"fake": fake_encoders(), "other": other_encoders()}

    def load(preset: str, **_: object) -> Encoders:
        if preset not in known:
            raise ValueError(f"there is no model {preset!r}: name another")
        return known[preset]

    monkeypatch.setattr("model.factory.load_encoders", load)
    return known


@pytest.fixture
def service(tmp_path: Path, models: dict[str, Encoders]) -> Iterator[Service]:
    """Yield a service with two videos, and a second generation that has read both."""
    with open_service(tmp_path / "home") as service:
        read_with_other(service, service.add_video(["a cat", "a wall"]), ["a cat", "a wall"])
        read_with_other(service, service.add_video(["a dog"]), ["a dog"])
        yield service


def read_with_other(service: Service, video: Video, texts: list[str]) -> None:
    with service.library.database.writing() as session:
        other = generation_states.start_building(session, other_encoders().settings)
        made = [make_described_clip(video, index, text) for index, text in enumerate(texts)]
        shown = [make_described_clip(video, index, f"other {text}") for index, text in enumerate(texts)]
        both = [
            dataclasses.replace(clip, vector=new.vector, segments=new.segments)
            for clip, new in zip(made, shown, strict=True)
        ]
        clips.store(session, video=session.get_one(Video, video.id), generation=other, clips=both)


def live_of(service: Service) -> LiveServices:
    live: LiveServices = service.client.app.state.live  # type: ignore[attr-defined]
    return live


def close_what_came(service: Service) -> None:
    live = live_of(service)
    if live.current is not service.services:
        live.current.queries.close()


def test_a_promotion_over_http_changes_searches_and_a_rollback_changes_them_back(service: Service) -> None:
    before = search(service, q="a cat")
    assert before["model"] == {"preset": "fake", "generation": 1}
    promoted = service.client.post("/generations/2/promote")
    assert promoted.status_code == 200, promoted.text
    assert promoted.json() == {"generation": 2, "preset": "other", "videos_queued": 0}
    after = search(service, q="a cat")
    assert after["model"] == {"preset": "other", "generation": 2}
    assert after["data"][0]["clip_id"] == before["data"][0]["clip_id"]
    assert after["data"][0]["score"] == pytest.approx(1.0, abs=1e-3)
    listed = service.client.get("/generations").json()["data"]
    assert [(one["state"], one["videos"]) for one in listed] == [("retired", 2), ("serving", 2)]

    assert service.client.post("/generations/rollback").json()["generation"] == 1
    assert search(service, q="a cat") | {"timing_ms": 0} == before | {"timing_ms": 0}
    close_what_came(service)


def test_a_cursor_of_the_former_model_is_refused_with_the_way_out(service: Service) -> None:
    page = search(service, q="a cat", limit=1, merge=False, collapse=False)
    promotion.promote(service.library, 2)
    live_of(service).look()
    answer = service.client.get(
        "/search",
        params={
            "q": "a cat",
            "limit": 1,
            "merge": False,
            "collapse": False,
            "cursor": page["page_info"]["next_cursor"],
        },
    )
    assert answer.status_code == 400
    assert "belongs to another model's vectors" in answer.json()["detail"]
    close_what_came(service)


def test_no_search_is_refused_or_mixed_while_models_change_to_and_fro(service: Service) -> None:
    answers: list[tuple[int, str, float]] = []
    is_over = threading.Event()

    def ask(client: TestClient) -> None:
        while not is_over.is_set():
            response = client.get("/search", params={"q": "a cat"})
            assert response.status_code == 200, response.text
            told = response.json()
            answers.append((told["model"]["generation"], told["model"]["preset"], told["data"][0]["score"]))

    threads = [threading.Thread(target=ask, args=(service.client,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in (2, 1, 2, 1, 2):
        promotion.promote(service.library, number)
        live_of(service).look()
    is_over.set()
    for thread in threads:
        thread.join()
    assert {(number, preset) for number, preset, _ in answers} <= {(1, "fake"), (2, "other")}
    assert all(score == pytest.approx(1.0, abs=1e-3) for _, _, score in answers)
    assert search(service, q="a cat")["model"]["generation"] == 2
    close_what_came(service)


def test_a_request_that_began_under_the_former_model_ends_under_it(service: Service) -> None:
    began = live_of(service).current
    promotion.promote(service.library, 2)
    live_of(service).look()
    assert live_of(service).current is not began
    assert np.allclose(
        began.queries.encode("words not asked before").vector, unit_vector("words not asked before")
    )
    with began.follower.reading() as view:
        assert view.clip_count == 3
    close_what_came(service)


def test_a_promoted_model_that_cannot_be_loaded_here_leaves_the_former_one_answering(
    service: Service, models: dict[str, Encoders]
) -> None:
    del models["other"]
    refused = service.client.post("/generations/2/promote")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/model-unavailable")
    promotion.promote(service.library, 2)  # by a machine that has it
    with pytest.raises(ModelUnavailable, match="generation 2 cannot be loaded: there is no model 'other'"):
        live_of(service).look()
    assert search(service, q="a cat")["model"]["generation"] == 1
    models["other"] = other_encoders()
    live_of(service).look()
    assert search(service, q="a cat")["model"]["generation"] == 2
    close_what_came(service)


def test_a_service_whose_generation_was_retired_says_so_until_the_next_model_is_loaded(
    service: Service, models: dict[str, Encoders]
) -> None:
    del models["other"]
    promotion.promote(service.library, 2)  # by a machine that has its model
    promotion.retire(service.library, 1)
    answer = service.client.get("/search", params={"q": "a cat"})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-ready")
    assert "generation 1 was retired, and the model of the one that serves is not" in answer.json()["detail"]
    models["other"] = other_encoders()
    live_of(service).look()
    assert search(service, q="a cat")["model"]["generation"] == 2
    close_what_came(service)


@pytest.mark.parametrize("is_retired_first", [True, False])
def test_no_snapshot_of_a_retired_generation_stays(service: Service, is_retired_first: bool) -> None:
    search(service, q="a cat")
    promotion.promote(service.library, 2)
    if is_retired_first:
        promotion.retire(service.library, 1)
    live_of(service).look()  # which keeps the index of the former model for the next start
    assert service.library.snapshot_path(1).exists() is not is_retired_first
    if not is_retired_first:
        promotion.retire(service.library, 1)
    assert not service.library.snapshot_path(1).exists()
    close_what_came(service)


def test_a_running_service_notices_what_another_process_promoted(service: Service) -> None:
    settings = service.services.settings
    live = LiveServices(services_with(settings, open_library(settings), GenerationModel(1, fake_encoders())))
    live.start()
    try:
        promotion.promote(service.library, 2)
        deadline = monotonic() + NOTICED_WITHIN_S
        while live.current.generation_id != 2 and monotonic() < deadline:
            sleep(0.05)
        assert live.current.preset == "other"
    finally:
        live.close()


@pytest.mark.parametrize(
    ("path", "status", "problem"),
    [
        ("/generations/7/promote", 404, "unknown-generation"),
        ("/generations/rollback", 409, "cannot-promote"),
    ],
)
def test_what_cannot_be_promoted_is_refused(service: Service, path: str, status: int, problem: str) -> None:
    answer = service.client.post(path)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{problem}")


def test_a_generation_that_lacks_videos_is_promoted_only_when_that_is_said(service: Service) -> None:
    service.add_video(["a bird"], title="Bird")
    refused = service.client.post("/generations/2/promote")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/videos-missing")
    assert "'Bird'" in refused.json()["detail"]
    promoted = service.client.post("/generations/2/promote", params={"partial": True})
    assert promoted.json()["videos_queued"] == 1
    assert search(service, q="a cat")["coverage"]["videos_of_other_models"] == 1
    close_what_came(service)
