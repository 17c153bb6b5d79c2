"""Requests generated from the OpenAPI document, right ones and wrong ones: no fault, no undocumented status.

Half of them name videos and clips that there are, as no generated id ever would.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from indexer.catalog import jobs
from tests.service import Service, open_service
from tests.synthetic_video import write_plain
from tests.tus_client import begin, patch

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

EXAMPLES = 20
"""Of each operation and mode: some 700 requests in all."""


@dataclass(frozen=True)
class Known:
    """A library's service, and ids of what is in it."""

    service: Service
    ids: dict[str, str]

    def put_into(self, part: Any) -> Any:
        """Return a part of a request with known ids for generated ones, words to look for, and no cursor."""
        if isinstance(part, list):
            return [self.put_into(item) for item in part]
        if not isinstance(part, dict):
            return part
        named = {name: self._known(name, value) for name, value in part.items() if name != "cursor"}
        return {**named, "q": "a cat"} if "q" in named else named

    def _known(self, name: str, value: Any) -> Any:
        if name not in self.ids:
            return self.put_into(value)
        return [self.ids[name]] if isinstance(value, list) else self.ids[name]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    """Yield a small library: a film that can be played and cut, others that are rows only."""
    folder = tmp_path_factory.mktemp("generated")
    with open_service(folder / "home") as service:
        film = write_plain(folder / "film.mp4", duration_s=8.0)
        video = service.add_video(["a cat", "a dog"], media_path=str(film), size_bytes=film.stat().st_size)
        other = service.add_video(["a cat", "a bird"], collection="pets", extra={"camera": "A", "take": 3})
        service.add_video([], state="pending")
        clip, irrelevant = service.clips_of(video)
        ids = dict.fromkeys(("video_id", "video", "like_video"), video.id)
        ids |= dict.fromkeys(("clip_id", "clip", "like_clip", "relevant"), clip.id)
        ids |= {"irrelevant": irrelevant.id, "collection": "pets", "moment": f"{other.id}:0-4"}
        with service.library.database.reading() as session:  # a job that is done, whose events end at once
            ids["job_id"] = jobs.latest(session, [video.id])[video.id].id
        ids |= {"upload_id": add_upload(service), "webhook_id": add_webhook(service)}
        yield Known(service, ids)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_generated_request_gets_an_answer_that_is_documented(
    known: Known, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", known.service.client.app)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == sum(
        map(len, known.service.client.get("/openapi.json").json()["paths"].values())
    )
    answered = [hold_to_its_document(known, operation, mode) for operation in operations]
    assert sum(answered) > 5 * EXAMPLES  # of some operations nothing can be wrong, as any text may be an id


def hold_to_its_document(
    known: Known, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode
) -> int:
    """Return how many requests were sent; fails for an answer that the document does not tell of."""
    documented = set(operation.definition.raw["responses"])
    sent = 0

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), names_known=st.booleans())
    def check(case: Case[Any], names_known: bool) -> None:
        nonlocal sent
        if names_known:
            name_known(known, case)
        response = case.call()
        sent += 1
        assert response.status_code < 500, (case.as_curl_command(), response.text)
        assert str(response.status_code) in documented, (case.as_curl_command(), response.text)
        # Of a stream the document describes the whole text, which schemathesis takes for that of each event.
        is_stream = response.headers.get("content-type", [""])[0].startswith("text/event-stream")
        checks = [content_type_conformance, *([] if is_stream else [response_schema_conformance])]
        case.validate_response(response, checks=checks)

    try:
        check()
    except Unsatisfiable:
        return 0
    return sent


def name_known(known: Known, case: Case[Any]) -> None:
    """Let ``case`` be about what there is; what it deletes was made for it."""
    case.path_parameters = known.put_into(dict(case.path_parameters))
    if case.method == "DELETE" and case.path in MAKERS:
        (name,) = case.path_parameters
        case.path_parameters = {name: MAKERS[case.path](known.service)}
    case.query = known.put_into(dict(case.query))
    case.body = known.put_into(case.body)


def add_upload(service: Service) -> str:
    """Return the id of a resumable upload of which half has arrived."""
    url = begin(service, 10)
    patch(service, url, 0, b"half ")
    return url.rpartition("/")[2]


def add_webhook(service: Service) -> str:
    """Return the id of a webhook, whose messages nobody sends here."""
    answer: Any = service.client.post("/webhooks", json={"url": "https://receiver.example/"})
    return str(answer.json()["id"])


MAKERS: dict[str, Callable[[Service], str]] = {
    "/videos/{video_id}": lambda service: service.add_video().id,
    "/uploads/{upload_id}": add_upload,
    "/webhooks/{webhook_id}": add_webhook,
}
