"""Searching by more than words, over HTTP."""

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer.catalog import clips, generations
from indexer.catalog.clips import NewClip
from indexer.catalog.tables import Video
from tests.fakes import FakeVideoEncoder
from tests.service import Service, search


def found(service: Service, body: dict[str, Any]) -> list[str]:
    """Return the ids of the clips that a JSON search finds, best first."""
    response = service.client.post("/search", json={"merge": False, "collapse": False, **body})
    assert response.status_code == 200, response.text
    return [hit["clip_id"] for hit in response.json()["data"]]


def picture(colour: str, format_name: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, format_name)
    return file.getvalue()


@pytest.fixture
def ids(service: Service) -> dict[str, str]:
    """Return the clip's id of each of some words."""
    words = ["a dog", "a cat", "a bird"]
    video = service.add_video(words)
    return {text: clip.id for text, clip in zip(words, service.clips_of(video), strict=True)}


@pytest.fixture
def coloured(service: Service) -> dict[str, str]:
    """Return the clip's id of each of some colours, which it shows."""
    found = {}
    for colour in ("red", "lime", "blue"):
        video = service.add_video([])
        with service.library.database.writing() as session:
            pixels = np.asarray(Image.new("RGB", (32, 32), colour))
            vector = FakeVideoEncoder().encode_images(pixels[None])[0]
            clip = NewClip(0.0, 4.0, f"ab/{colour}.jpg", vector, vector[None])
            generation = generations.get(session, service.services.generation_id)
            clips.store(session, video=session.get_one(Video, video.id), generation=generation, clips=[clip])
        found[colour] = service.clips_of(video)[0].id
    return found


def test_a_body_finds_what_the_parameters_find(service: Service, ids: dict[str, str]) -> None:
    asked = search(service, q="a cat", limit=1)["data"]
    assert found(service, {"q": "a cat", "limit": 1}) == [hit["clip_id"] for hit in asked] == [ids["a cat"]]


def test_a_clip_finds_others_and_never_itself(service: Service, ids: dict[str, str]) -> None:
    twin = service.clips_of(service.add_video(["a cat"]))[0].id
    for hits in (
        found(service, {"terms": [{"clip": ids["a cat"]}]}),
        [
            hit["clip_id"]
            for hit in search(service, like_clip=ids["a cat"], merge=False, collapse=False)["data"]
        ],
    ):
        assert hits[0] == twin
        assert ids["a cat"] not in hits


def test_weights_decide_between_two_descriptions(service: Service, ids: dict[str, str]) -> None:
    terms: list[dict[str, object]] = [{"words": "a dog", "weight": 3}, {"words": "a bird"}]
    assert found(service, {"terms": terms})[0] == ids["a dog"]
    terms[1]["weight"] = 9
    assert found(service, {"terms": terms})[0] == ids["a bird"]


def test_what_was_judged_wrong_is_not_shown_again(service: Service, ids: dict[str, str]) -> None:
    assert ids["a dog"] not in found(service, {"q": "a dog", "irrelevant": [ids["a dog"]]})
    assert found(service, {"relevant": [ids["a bird"]]})[0] == ids["a bird"]


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_an_image_finds_what_looks_like_it(
    service: Service, coloured: dict[str, str], format_name: str
) -> None:
    response = service.client.post("/search", files={"image": picture("blue", format_name)})
    assert response.status_code == 200, response.text
    assert response.json()["data"][0]["clip_id"] == coloured["blue"]


def test_a_form_joins_images_with_a_search(service: Service, coloured: dict[str, str]) -> None:
    parts = {"terms": [{"image": 1, "weight": -1}], "limit": 1}
    response = service.client.post(
        "/search",
        data={"search": json.dumps(parts)},
        files=[("image", picture("red")), ("image", picture("blue"))],
    )
    assert response.status_code == 200, response.text
    assert [hit["clip_id"] for hit in response.json()["data"]] == [coloured["red"]]


def test_the_pages_of_a_body_go_on_with_its_cursor(service: Service, ids: dict[str, str]) -> None:
    body = {"q": "a cat", "limit": 1, "merge": False, "collapse": False}
    seen = []
    for _ in range(3):
        answer = service.client.post("/search", json=body).json()
        seen += [hit["clip_id"] for hit in answer["data"]]
        body["cursor"] = answer["page_info"]["next_cursor"]
    assert sorted(seen) == sorted(ids.values())
    assert body["cursor"] is None


def test_openapi_describes_the_body_as_json_and_as_a_form(service: Service) -> None:
    document = service.client.get("/openapi.json").json()
    content = document["paths"]["/search"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "multipart/form-data"}
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/SearchBody"}
    body = document["components"]["schemas"]["SearchBody"]["properties"]
    names = {parameter["name"] for parameter in document["paths"]["/search"]["get"]["parameters"]}
    assert {"q", "then", "within", "mode", "relevant"} <= set(body) & names
    assert {"like_clip", "like_video", "collection", "path_prefix", "min_confidence"} <= names
