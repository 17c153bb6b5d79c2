"""The points of tus 1.0 and its extensions, one test each; the wording is the protocol's."""

from typing import Any

import pytest

from app.uploading.tus.headers import EXTENSIONS
from tests.service import Service
from tests.tus_client import PIECE, VERSION, begin, checksum, head, metadata, offset_of, patch, problem, send
from tests.upload_forms import CONTENT

HALF = len(CONTENT) // 2


def test_options_tells_version_extensions_and_the_largest_file(service: Service) -> None:
    answer = service.client.options("/uploads")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == EXTENSIONS
    assert int(answer.headers["tus-max-size"]) == service.services.settings.upload_limit_bytes
    assert answer.headers["tus-checksum-algorithm"].split(",") == ["sha1", "sha256"]


@pytest.mark.parametrize("version", [{}, {"Tus-Resumable": "0.2.2"}])
def test_another_version_is_refused_with_412_and_the_known_one(
    service: Service, version: dict[str, str]
) -> None:
    url = begin(service, 10)
    for method, path in (("POST", "/uploads"), ("HEAD", url), ("PATCH", url), ("DELETE", url)):
        answer = service.client.request(method, path, headers=version)
        assert answer.status_code == 412
        assert answer.headers["tus-version"] == "1.0.0"


def test_every_answer_carries_the_version_errors_too(service: Service) -> None:
    url = begin(service, 10)
    answers: list[Any] = [
        service.client.options("/uploads"),
        head(service, url),
        head(service, "/uploads/unknown"),
        patch(service, url, 3, b"x"),
        service.client.put(url),
        service.client.post("/uploads"),
    ]
    assert [answer.headers.get("tus-resumable") for answer in answers] == ["1.0.0"] * len(answers)


def test_a_new_upload_has_a_location_and_stands_at_zero(service: Service) -> None:
    said = metadata(filename="film.mp4", filetype="video/mp4", title="Ein schöner Tag")
    url = begin(service, 100, Upload_Metadata=said)
    answer = head(service, url)
    assert answer.status_code == 200
    assert answer.headers["upload-offset"] == "0"
    assert answer.headers["upload-length"] == "100"
    assert answer.headers["upload-metadata"] == said
    assert answer.headers["cache-control"] == "no-store"
    assert "upload-expires" in answer.headers


def test_pieces_are_put_one_behind_the_other(service: Service) -> None:
    url = begin(service, len(CONTENT))
    first = patch(service, url, 0, CONTENT[:HALF])
    assert (first.status_code, first.headers["upload-offset"]) == (204, str(HALF))
    assert offset_of(service, url) == HALF
    last = patch(service, url, HALF, CONTENT[HALF:])
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(CONTENT)))
    video = service.client.get(last.headers["reelseek-video"]).json()
    assert (video["filename"], video["state"], video["size_bytes"]) == ("film.mp4", "pending", len(CONTENT))
    assert last.headers["location"] == last.headers["reelseek-job"]
    assert service.client.get(last.headers["location"]).json()["video_id"] == video["id"]
    (stored,) = service.media_files()
    assert stored.read_bytes() == CONTENT


def test_a_piece_at_another_offset_is_refused_with_409(service: Service) -> None:
    url = begin(service, len(CONTENT))
    patch(service, url, 0, CONTENT[:HALF])
    for offset in (0, HALF - 1, HALF + 1):
        answer = patch(service, url, offset, b"x")
        assert problem(answer) == (409, "offset-mismatch")
        assert answer.headers["upload-offset"] == str(HALF)
    assert offset_of(service, url) == HALF


@pytest.mark.parametrize("offset", ["", "-1", "one", "1.0", "9" * 30])
def test_an_offset_that_is_no_number_is_refused(service: Service, offset: str) -> None:
    url = begin(service, 10)
    answer = send(service, "PATCH", url, b"x", **PIECE, Upload_Offset=offset)
    assert problem(answer) == (400, "invalid-upload-request")
    assert problem(send(service, "PATCH", url, b"x", **PIECE)) == (400, "invalid-upload-request")


def test_a_piece_of_another_type_is_refused_with_415(service: Service) -> None:
    url = begin(service, 10)
    answer = send(service, "PATCH", url, b"x", **VERSION, Upload_Offset="0", Content_Type="video/mp4")
    assert problem(answer) == (415, "not-offset-stream")
    assert offset_of(service, url) == 0


def test_an_unknown_upload_is_not_found_and_has_no_offset(service: Service) -> None:
    for url in ("/uploads/" + "0" * 32, "/uploads/..%2Fmedia", "/uploads/nothing"):
        assert head(service, url).status_code == 404
        assert "upload-offset" not in head(service, url).headers
        assert patch(service, url, 0, b"x").status_code == 404


def test_more_bytes_than_were_announced_are_refused_and_not_kept(service: Service) -> None:
    url = begin(service, 10)
    assert problem(patch(service, url, 0, b"x" * 11)) == (413, "upload-too-large")
    chunked = service.client.patch(
        url, content=iter([b"x" * 8, b"x" * 8]), headers=PIECE | {"Upload-Offset": "0"}
    )
    assert chunked.status_code == 413
    assert offset_of(service, url) == 0


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_piece_with_the_right_checksum_is_kept(service: Service, algorithm: str) -> None:
    url = begin(service, len(CONTENT))
    answer = patch(service, url, 0, CONTENT[:HALF], Upload_Checksum=checksum(CONTENT[:HALF], algorithm))
    assert (answer.status_code, offset_of(service, url)) == (204, HALF)


def test_a_piece_with_another_checksum_is_thrown_away_with_460(service: Service) -> None:
    url = begin(service, len(CONTENT))
    patch(service, url, 0, CONTENT[:10])
    answer = patch(service, url, 10, CONTENT[10:], Upload_Checksum=checksum(b"something else"))
    assert problem(answer) == (460, "checksum-mismatch")
    assert offset_of(service, url) == 10
    assert patch(service, url, 10, CONTENT[10:], Upload_Checksum=checksum(CONTENT[10:])).status_code == 204


@pytest.mark.parametrize("sent", ["md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha1", "sha1 !!", "sha1 AAAA"])
def test_a_checksum_that_cannot_be_used_is_refused_with_400(service: Service, sent: str) -> None:
    url = begin(service, 10)
    assert problem(patch(service, url, 0, b"x", Upload_Checksum=sent)) == (400, "invalid-upload-request")


def test_a_terminated_upload_is_gone_with_its_file(service: Service) -> None:
    url = begin(service, 10)
    patch(service, url, 0, b"12345")
    assert send(service, "DELETE", url, b"", **VERSION).status_code == 204
    assert head(service, url).status_code == 404
    assert list(service.library.uploads.root.iterdir()) == []
    assert send(service, "DELETE", url, b"", **VERSION).status_code == 404


def test_terminating_a_finished_upload_leaves_the_video(service: Service) -> None:
    url = begin(service, len(CONTENT))
    video = patch(service, url, 0, CONTENT).headers["reelseek-video"]
    assert send(service, "DELETE", url, b"", **VERSION).status_code == 204
    assert service.client.get(video).status_code == 200


def test_the_method_may_be_told_in_a_header(service: Service) -> None:
    url = begin(service, 10)
    answer = send(service, "POST", url, b"12345", **PIECE, Upload_Offset="0", X_HTTP_Method_Override="PATCH")
    assert (answer.status_code, offset_of(service, url)) == (204, 5)
    assert send(service, "POST", url, b"", **VERSION, X_HTTP_Method_Override="DELETE").status_code == 204


def test_a_finished_upload_says_so_to_a_client_whose_last_answer_was_lost(service: Service) -> None:
    url = begin(service, len(CONTENT))
    last = patch(service, url, 0, CONTENT)
    asked = head(service, url)
    assert asked.headers["upload-offset"] == asked.headers["upload-length"] == str(len(CONTENT))
    assert asked.headers["reelseek-job"] == last.headers["reelseek-job"]
    again = patch(service, url, len(CONTENT), b"")
    assert (again.status_code, again.headers["location"]) == (204, last.headers["location"])
    described = service.client.get(url).json()
    assert (described["job_url"], described["offset"]) == (last.headers["location"], len(CONTENT))
    assert problem(patch(service, url, 0, CONTENT)) == (409, "offset-mismatch")


def test_an_upload_of_known_bytes_is_the_video_there_is(service: Service) -> None:
    first = patch(service, begin(service, len(CONTENT)), 0, CONTENT)
    second = patch(service, begin(service, len(CONTENT)), 0, CONTENT)
    assert first.headers["reelseek-job"] == second.headers["reelseek-job"]
    assert len(service.media_files()) == 1


def test_the_page_of_another_site_cannot_begin_an_upload(service: Service) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    answer = service.client.options("/uploads", headers=asked)
    assert "access-control-allow-origin" not in answer.headers
