"""Thumbnails."""

from tests.service import Service


def test_a_thumbnail_is_a_jpeg_that_may_be_kept_for_good(service: Service) -> None:
    clip = service.clips_of(service.add_video(["a cat"]))[0]
    response = service.client.get(f"/clips/{clip.id}/thumbnail")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/jpeg"
    assert response.content.startswith(b"\xff\xd8")
    assert "immutable" in response.headers["cache-control"]


def test_a_thumbnail_that_the_browser_has_is_not_sent_again(service: Service) -> None:
    clip = service.clips_of(service.add_video(["a cat"]))[0]
    etag = service.client.get(f"/clips/{clip.id}/thumbnail").headers["etag"]
    response = service.client.get(f"/clips/{clip.id}/thumbnail", headers={"If-None-Match": etag})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == etag


def test_an_unknown_clip_is_a_problem(service: Service) -> None:
    response = service.client.get("/clips/nothing/thumbnail")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/unknown-clip")


def test_a_picture_that_has_gone_is_a_problem(service: Service) -> None:
    clip = service.clips_of(service.add_video(["a cat"]))[0]
    service.library.thumbnails.path(clip.thumbnail_key).unlink()
    response = service.client.get(f"/clips/{clip.id}/thumbnail")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/thumbnail-missing")
