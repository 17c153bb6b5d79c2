"""Subtitles over HTTP: with an upload, given and taken away later, refused with the reason."""

from typing import Any

import pytest
from httpx import Response

from indexer.catalog import words_said
from indexer.subtitle_file import MAX_SUBTITLE_BYTES
from tests.service import Service
from tests.upload_forms import CONTENT, FILE, form, send

CUE = "00:00:01,000 --> 00:00:02,000\n{}\n"


def heard(service: Service, words: str) -> list[str]:
    with service.library.database.reading() as session:
        return [hit.text for hit in words_said.search(session, words)]


def put(service: Service, video_id: str, content: bytes | str, **parameters: str) -> Response:
    url = f"/videos/{video_id}/subtitles"
    response: Any = service.client.put(url, content=content, params=parameters)
    return response  # type: ignore[no-any-return]


def problem_of(response: Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["type"]


@pytest.mark.parametrize("is_first", [True, False])
def test_subtitles_come_with_the_video_before_or_after_it(service: Service, is_first: bool) -> None:
    parts = [('name="subtitles"; filename="film.srt"', CUE.format("good evening").encode()), FILE]

    response = send(
        service, form(*(parts if is_first else parts[::-1]), ('name="subtitles_language"', b"en"))
    )

    assert response.status_code == 202
    assert heard(service, "evening") == ["good evening"]
    video = service.client.get(response.json()["video_url"]).json()
    assert (video["cue_count"], video["warning"]) == (1, None)


def test_what_was_odd_in_the_subtitles_is_the_videos_warning(service: Service) -> None:
    odd = CUE.format("fine") + "\n00:00:05,000 --> 00:00:04,000\nodd\n"

    receipt = send(service, form(FILE, ('name="subtitles"; filename="a.srt"', odd.encode()))).json()

    video = service.client.get(receipt["video_url"]).json()
    assert video["warning"] == "Subtitles: cues left out for impossible times: 1."


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (('name="subtitles"; filename="a.srt"', b"no cue"), (422, "/problems/not-subtitles")),
        (('name="subtitles"; filename="a.srt"', b""), (422, "/problems/not-subtitles")),
        (('name="subtitles_language"', b"english?"), (422, "/problems/invalid-parameter")),
    ],
)
def test_an_upload_with_bad_subtitles_is_refused_whole(
    service: Service, part: tuple[str, bytes], expected: tuple[int, str]
) -> None:
    assert problem_of(send(service, form(FILE, part))) == expected
    assert service.media_files() == []
    assert service.client.get("/videos").json()["data"] == []


def test_subtitles_sent_twice_are_refused_and_an_empty_field_of_a_browser_is_none(service: Service) -> None:
    part = ('name="subtitles"; filename="a.srt"', CUE.format("x").encode())
    assert problem_of(send(service, form(part, FILE, part)))[1] == "/problems/invalid-parameter"

    assert send(service, form(FILE, ('name="subtitles"; filename=""', b""))).status_code == 202


def test_the_same_video_again_gets_subtitles_only_if_it_has_none(service: Service) -> None:
    for words in ("first", "second"):
        send(service, form(FILE, ('name="subtitles"; filename="a.srt"', CUE.format(words).encode())))

    assert heard(service, "first second") == ["first"]


def test_subtitles_are_given_replaced_and_taken_away(service: Service) -> None:
    video = service.add_video()

    first = put(service, video.id, CUE.format("Grüße").encode("cp1252"), language="de").json()
    second = put(service, video.id, "WEBVTT\n\n00:01.000 --> 00:02.000\nhello").json()

    guessed = "Subtitles: no UTF-8, so read as Windows-1252."
    assert first == {"video_id": video.id, "cue_count": 1, "replaced": 0, "warning": guessed}
    assert second == {"video_id": video.id, "cue_count": 1, "replaced": 1, "warning": None}
    assert (heard(service, "hello"), heard(service, "grüße")) == (["hello"], [])
    for replaced in (1, 0):
        answer = service.client.delete(f"/videos/{video.id}/subtitles")
        assert answer.json() == {"video_id": video.id, "cue_count": 0, "replaced": replaced, "warning": None}
    assert heard(service, "hello") == []


def test_bad_subtitles_are_refused_and_leave_those_there_were(service: Service) -> None:
    video = service.add_video()
    put(service, video.id, CUE.format("stays"))

    for content in (b"", b"no cue", CONTENT, b" " * (MAX_SUBTITLE_BYTES + 1)):
        assert problem_of(put(service, video.id, content)) == (422, "/problems/not-subtitles")
    in_form: Any = service.client.put(f"/videos/{video.id}/subtitles", files={"file": CUE.format("x")})
    assert "send the file itself" in in_form.json()["detail"]
    assert problem_of(put(service, video.id, CUE.format("x"), language="1")) == (
        422, "/problems/invalid-parameter"
    )  # fmt: skip

    assert heard(service, "stays") == ["stays"]


def test_an_unknown_video_has_no_subtitles(service: Service) -> None:
    unknown = (404, "/problems/unknown-video")
    assert problem_of(put(service, "0" * 32, CUE.format("x"))) == unknown
    assert problem_of(service.client.delete(f"/videos/{'0' * 32}/subtitles")) == unknown  # type: ignore[arg-type]
