"""The same life of a video, and the same hostile characters, on SQLite and on Postgres."""

from pathlib import Path

from tests.service import open_service

CONTENT = b"the bytes of a film" * 100


def test_a_video_is_uploaded_searched_and_deleted(database_url: str, tmp_path: Path) -> None:
    with open_service(tmp_path / "home", database_url=database_url) as service:
        fields = {
            "title": "A\0 cat",
            "metadata": '{"a": "\\u0000"}',
            "recorded_at": "2026-05-17T09:30:00+02:00",
        }
        receipt = service.client.post("/videos", files={"file": ("a\0.mp4", CONTENT)}, data=fields).json()
        video_id = receipt["video_id"]
        assert service.client.post("/videos", files={"file": ("b.mp4", CONTENT)}).json()["is_new"] is False
        service.finish_indexing(video_id)
        (hit,) = service.client.get("/search", params={"q": "a cat"}).json()["data"]
        assert (hit["video_id"], hit["best_at"]) == (video_id, 2.5)
        assert hit["video"]["title"] == "A cat"
        assert hit["video"]["recorded_at"] == "2026-05-17T07:30:00Z"
        receipt = service.client.delete(f"/videos/{video_id}").json()
        assert (receipt["video_id"], receipt["media"]) == (video_id, "deleted")
        assert {name: receipt["rows"][name] for name in ("videos", "clips", "embeddings")} == {
            "videos": 1,
            "clips": 1,
            "embeddings": 5,
        }
        assert (receipt["files"]["media"], receipt["files"]["thumbnails"]) == (1, 1)
        assert service.client.get("/search", params={"q": "a cat"}).json()["data"] == []
        assert service.media_files() == []


def test_lists_go_page_by_page(database_url: str, tmp_path: Path) -> None:
    with open_service(tmp_path / "home", database_url=database_url) as service:
        ids = [service.add_video(["a cat"]).id for _ in range(3)]
        first = service.client.get("/videos", params={"limit": 2}).json()
        rest = service.client.get("/videos", params={"cursor": first["page_info"]["next_cursor"]}).json()
        assert [video["id"] for video in first["data"] + rest["data"]] == ids[::-1]


def test_characters_that_a_database_cannot_hold_find_nothing(database_url: str, tmp_path: Path) -> None:
    with open_service(tmp_path / "home", database_url=database_url) as service:
        for path in ("/videos/%00", "/videos/%00/stream", "/clips/a%00/thumbnail", "/jobs/%00"):
            assert service.client.get(path).status_code == 404
        assert service.client.delete("/videos/%00").status_code == 404
        assert service.client.get("/search", params={"q": "\0cat", "collection": "\0"}).status_code == 200
