"""Searches that cannot be answered, over HTTP: each names the parameter, and none is an error of ours."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from app.api.search_body import MAX_JSON_BYTES
from app.still_picture import MAX_IMAGE_BYTES
from tests.claiming_picture import png_that_claims
from tests.service import Service, open_service

NOBODY = "f" * 32


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield one service for all: what is refused changes nothing."""
    with open_service(tmp_path_factory.mktemp("home")) as service:
        yield service


def picture(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(file, "PNG")
    return file.getvalue()


def refused(response: Any, status: int = 422, kind: str = "invalid-parameter") -> list[dict[str, Any]]:
    """Return the errors of a problem, which must be of this kind."""
    problem = response.json()
    assert (response.status_code, problem["type"]) == (status, f"/problems/{kind}"), problem
    assert response.headers["content-type"] == "application/problem+json"
    errors: list[dict[str, Any]] = problem["errors"]
    return errors


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"q": "-people"}, "q"),
        ({"q": '""'}, "q"),
        ({"q": "a", "mode": "sound"}, "mode"),
        ({"q": "a", "group_by": "day"}, "group_by"),
        ({"q": "a", "sort": "size"}, "sort"),
        ({"q": "a", "diversity": "1.01"}, "diversity"),
        ({"q": "a", "diversity": "inf"}, "diversity"),
        ({"q": "a", "merge": "perhaps"}, "merge"),
        ({"q": "a", "min_confidence": "certain"}, "min_confidence"),
        ({"q": "a", "min_score": "-1.5"}, "min_score"),
        ({"q": "a", "limit": "1e2"}, "limit"),
        ({"q": "a", "limit": "9" * 400}, "limit"),
        ({"q": "a", "within": "-1", "then": "b"}, "within"),
        ({"q": "a", "within": "1e9", "then": "b"}, "within"),
        ({"q": "a", "then": ""}, "then"),
        ({"q": "a", "then": ["b"] * 5}, "then"),
        ({"q": "a", "then": "-b"}, "then"),
        ({"q": "a", "then": "b", "relevant": NOBODY}, "then"),
        ({"like_clip": "../etc"}, "like_clip"),
        ({"like_video": "\0" * 32}, "like_video"),
        ({"like_video": NOBODY, "like_start": "nan"}, "like_start"),
        ({"like_video": NOBODY, "like_start": "-1"}, "like_start"),
        ({"like_video": NOBODY, "like_start": "5", "like_end": "5"}, "like_end"),
        ({"q": "a", "relevant": "x"}, "relevant.0"),
        ({"q": "a", "relevant": NOBODY, "irrelevant": NOBODY}, "irrelevant"),
        ({"q": "a", "min_duration": "5", "max_duration": "4"}, "max_duration"),
        ({"q": "a", "recorded_after": "yesterday"}, "recorded_after"),
        ({"q": "a", "path_prefix": "relative"}, "path_prefix"),
        ({"q": "a", "meta.take.min": "5", "meta.take.max": "4"}, "meta.take.max"),
    ],
)
def test_a_wrong_parameter_is_named(service: Service, parameters: dict[str, Any], name: str) -> None:
    (error,) = refused(service.client.get("/search", params=parameters))
    assert (error["location"], error["parameter"]) == ("query", name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("limits", "'limit'"), ("groupby", "'group_by'"), ("colection", "'collection'"), ("zzz", "known are")],
)
def test_an_unknown_parameter_is_answered_with_the_nearest_known_one(
    service: Service, name: str, hint: str
) -> None:
    (error,) = refused(service.client.get("/search", params={"q": "a", name: "1"}))
    assert error["parameter"] == name
    assert hint in error["message"]


def test_a_single_value_given_twice_is_refused(service: Service) -> None:
    (error,) = refused(service.client.get("/search?q=a&limit=2&limit=3"))
    assert (error["parameter"], error["value"]) == ("limit", "3")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("", "body"),
        ("no json", "body"),
        ("[" * 100_000, "body"),
        ("[]", "body"),
        ('{"q": NaN}', "q"),
        ('{"q": "\\ud800"}', "body"),
        ('{"q": 5}', "q"),
        ("{}", "q"),
        ('{"q": "a", "diversity": Infinity}', "diversity"),
        ('{"q": "a", "limit": 1e400}', "limit"),
        ('{"q": "a", "filter": {}}', "filter"),
        ('{"q": "a", "filters": {"video": "x"}}', "filters.video"),
        ('{"q": "a", "filters": {"metadata": {"a": null}}}', "filters.metadata.a"),
        ('{"q": "a", "filters": {"metadata": {"a": "\\u0000"}}}', "meta.a"),
        ('{"terms": [{"words": "a", "wieght": 1}]}', "terms.0.wieght"),
        ('{"terms": [{"words": "a", "weight": 11}]}', "terms.0.weight"),
        ('{"terms": [{"clip": "a"}]}', "terms.0.clip"),
        (f'{{"terms": [{{"video": "{NOBODY}", "start": 5, "end": 4}}]}}', "terms.end"),
        ('{"terms": [{"image": 0}]}', "terms.image"),
        ('{"q": "a", "then": [{"q": "b"}, {"q": "-b"}]}', "then"),
    ],
)
def test_a_wrong_body_is_refused_with_the_place(service: Service, body: str, name: str) -> None:
    errors = refused(
        service.client.post("/search", content=body, headers={"Content-Type": "application/json"})
    )
    assert {error["location"] for error in errors} == {"body"}
    assert any(error["parameter"].startswith(name) for error in errors), errors


def test_an_unknown_name_in_a_body_is_answered_with_the_nearest_known_one(service: Service) -> None:
    (error,) = refused(service.client.post("/search", json={"terms": [{"words": "a", "wieght": 1}]}))
    assert "'weight'" in error["message"]


def test_a_body_without_end_is_refused(service: Service) -> None:
    refused(service.client.post("/search", content=b" " * (MAX_JSON_BYTES + 1)), 413, "upload-too-large")


@pytest.mark.parametrize(
    ("image", "status", "kind"),
    [
        (b"no image", 422, "invalid-image"),
        (b"", 422, "invalid-image"),
        (picture()[:40], 422, "invalid-image"),
        (b"\x89PNG" + b"\0" * MAX_IMAGE_BYTES, 413, "image-too-large"),
    ],
)
def test_an_image_that_is_none_is_refused(service: Service, image: bytes, status: int, kind: str) -> None:
    (error,) = refused(service.client.post("/search", files={"image": image}), status, kind)
    assert error["parameter"] == "image"


def test_a_form_of_other_parts_is_refused_with_theirs(service: Service) -> None:
    (error,) = refused(service.client.post("/search", files={"picture": picture()}))
    assert error["parameter"] == "picture"
    assert "'image'" in error["message"]


def test_a_form_that_ends_too_early_is_refused(service: Service) -> None:
    head = {"Content-Type": "multipart/form-data; boundary=b"}
    cut = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc'
    refused(service.client.post("/search", content=cut, headers=head), 400, "malformed-upload")
    refused(
        service.client.post("/search", content=cut, headers={"Content-Type": "multipart/form-data"}),
        415,
        "not-multipart",
    )


@pytest.mark.parametrize(
    ("parameters", "term", "kind", "names"),
    [
        ({"like_clip": NOBODY}, {"clip": NOBODY}, "unknown-clip", ("like_clip", "terms.clip")),
        ({"like_video": NOBODY}, {"video": NOBODY}, "unknown-video", ("like_video", "terms.video")),
    ],
)
def test_examples_that_are_not_there_are_named_as_they_were_given(
    service: Service, parameters: dict[str, str], term: dict[str, str], kind: str, names: tuple[str, str]
) -> None:
    answers = [
        service.client.get("/search", params=parameters),
        service.client.post("/search", content=json.dumps({"terms": [term]})),
    ]
    for answer, name in zip(answers, names, strict=True):
        (error,) = refused(answer, 404, kind)
        assert (error["parameter"], error["value"]) == (name, NOBODY)


def test_a_clip_of_a_deleted_video_can_no_longer_be_judged_or_be_an_example(service: Service) -> None:
    video = service.add_video(["a cat"])
    (clip,) = service.clips_of(video)
    service.client.delete(f"/videos/{video.id}")
    for name in ("relevant", "irrelevant", "like_clip"):
        answer = service.client.get("/search", params={"q": "a", name: clip.id})
        (error,) = refused(answer, 404, "unknown-clip")
        assert (error["parameter"], error["value"]) == (name, clip.id)


@pytest.mark.parametrize("size", [(12_000, 12_000), (60_000, 60_000)])
def test_an_image_bomb_is_refused(service: Service, size: tuple[int, int]) -> None:
    answer = service.client.post("/search", files={"image": png_that_claims(*size)})
    (error,) = refused(answer, 413, "image-too-large")
    assert error["parameter"] == "image"


def test_a_metadata_key_that_no_video_has_is_named(service: Service) -> None:
    service.add_video(["a cat"], extra={"camera": "A"})
    (error,) = refused(service.client.get("/search", params={"q": "a", "meta.camra": "A"}))
    assert error["parameter"] == "meta.camra"
    assert "'camera'" in error["message"]


@pytest.mark.parametrize("first", [{}, {"q": ""}, {"q": "-b"}])
def test_a_sequence_of_one_step_names_the_step_that_is_missing(
    service: Service, first: dict[str, str]
) -> None:
    (error,) = refused(service.client.get("/search", params={**first, "then": "a"}))
    assert error["parameter"] == "q"
    (error,) = refused(service.client.post("/search", json={**first, "then": [{"q": "a"}]}))
    assert error["parameter"] == "q"


def test_a_damaged_cursor_is_named(service: Service) -> None:
    answer = service.client.get("/search", params={"q": "a", "cursor": "mine"})
    (error,) = refused(answer, 400, "invalid-cursor")
    assert error["parameter"] == "cursor"
