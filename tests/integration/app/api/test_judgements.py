"""/judgements over HTTP."""

from pathlib import Path
from typing import Any

import pytest

from tests.service import Service, open_service

NO_CLIP = "0" * 32


def judge(service: Service, query: str, clip_id: str, is_relevant: bool = True) -> dict[str, Any]:
    body = {"query": query, "clip_id": clip_id, "is_relevant": is_relevant}
    response = service.client.post("/judgements", json=body)
    assert response.status_code in {200, 201}, response.text
    judged: dict[str, Any] = response.json()
    return judged


def listed(service: Service, **parameters: Any) -> dict[str, Any]:
    response = service.client.get("/judgements", params=parameters)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_hit_is_judged_judged_anew_listed_and_taken_back(database_url: str, tmp_path: Path) -> None:
    with open_service(tmp_path / "home", database_url=database_url) as service:
        video = service.add_video(["a dog", "a cat"])
        clip = service.clips_of(video)[1]
        body = {"query": "A  Cat\0 ", "clip_id": clip.id, "is_relevant": True}
        first = service.client.post("/judgements", json=body)
        assert first.status_code == 201
        again = service.client.post("/judgements", json={**body, "query": "a cat", "is_relevant": False})
        assert again.status_code == 200
        judgement = again.json()
        assert judgement | {"updated_at": None} == {
            "id": first.json()["id"],
            "query": "a cat",
            "video_id": video.id,
            "start": 4.0,
            "end": 8.0,
            "clip_id": clip.id,
            "is_relevant": False,
            "created_at": first.json()["created_at"],
            "updated_at": None,
        }
        assert first.json()["query"] == "A Cat"
        assert listed(service)["data"] == listed(service, q="a CAT")["data"] == [judgement]
        assert listed(service, q="a dog")["data"] == []
        assert service.client.delete(f"/judgements/{judgement['id']}").status_code == 204
        gone = service.client.delete(f"/judgements/{judgement['id']}")
        assert (gone.status_code, gone.json()["type"]) == (404, "/problems/unknown-judgement")
        assert listed(service)["data"] == []


def test_pages_go_on_behind_what_is_judged_meanwhile(service: Service) -> None:
    clips = service.clips_of(service.add_video([f"thing {number}" for number in range(5)]))
    ids = [judge(service, "thing", clip.id)["id"] for clip in clips]
    first = listed(service, limit=2)
    judge(service, "thing", clips[0].id, is_relevant=False)
    judge(service, "another thing", clips[0].id)
    rest = listed(service, limit=3, cursor=first["page_info"]["next_cursor"])
    assert [one["id"] for one in first["data"] + rest["data"]] == ids[::-1]
    assert rest["page_info"]["next_cursor"] is None


def test_a_cursor_is_good_for_its_own_query_only(service: Service) -> None:
    for clip in service.clips_of(service.add_video(["one", "two"])):
        judge(service, "thing", clip.id)
    cursor = listed(service, limit=1, q="thing")["page_info"]["next_cursor"]
    assert len(listed(service, limit=1, q="Thing", cursor=cursor)["data"]) == 1
    for wrong in ({"cursor": cursor}, {"cursor": cursor, "q": "other"}, {"cursor": "x"}, {"cursor": "MTIz"}):
        response = service.client.get("/judgements", params=wrong)
        assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-cursor")


def test_an_unknown_clip_is_named(service: Service) -> None:
    body = {"query": "a cat", "clip_id": NO_CLIP, "is_relevant": True}
    response = service.client.post("/judgements", json=body)
    assert (response.status_code, response.json()["type"]) == (404, "/problems/unknown-clip")
    assert [(one["location"], one["parameter"]) for one in response.json()["errors"]] == [("body", "clip_id")]
    assert listed(service)["data"] == []


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"query": ""}, "query"),
        ({"query": " \n\0"}, "query"),
        ({"query": '""'}, "query"),
        ({"query": "-people"}, "query"),
        ({"query": "x" * 10_001}, "query"),
        ({"query": 7}, "query"),
        ({"query": None}, "query"),
        ({"clip_id": "7"}, "clip_id"),
        ({"clip_id": NO_CLIP + "\n"}, "clip_id"),
        ({"is_relevant": "yes"}, "is_relevant"),
        ({"is_relevant": 1}, "is_relevant"),
        ({"is_relevent": True}, "is_relevent"),
    ],
)
def test_what_is_wrong_with_a_judgement_is_named(
    service: Service, change: dict[str, Any], parameter: str
) -> None:
    body = {"query": "a cat", "clip_id": NO_CLIP, "is_relevant": True} | change
    response = service.client.post("/judgements", json=body)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-parameter")
    assert [(one["location"], one["parameter"]) for one in response.json()["errors"]] == [("body", parameter)]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"query": "\\ud800"}', b"[" * 5000])
def test_a_body_that_is_no_judgement_is_told_so(service: Service, body: bytes) -> None:
    response = service.client.post("/judgements", content=body)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-parameter")


@pytest.mark.parametrize("parameters", [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"q": "x" * 10_001}])
def test_a_list_out_of_range_is_refused(service: Service, parameters: dict[str, Any]) -> None:
    response = service.client.get("/judgements", params=parameters)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-parameter")


@pytest.mark.parametrize("judgement_id", ["x", "%00", NO_CLIP])
def test_a_judgement_that_is_not_there_cannot_be_deleted(service: Service, judgement_id: str) -> None:
    assert service.client.delete(f"/judgements/{judgement_id}").status_code == 404


def test_the_document_describes_the_body(service: Service) -> None:
    document = service.client.get("/openapi.json").json()
    schema = document["components"]["schemas"]["NewJudgement"]
    assert set(schema["required"]) == {"query", "clip_id", "is_relevant"}
    assert {"200", "201", "404", "422"} <= set(document["paths"]["/judgements"]["post"]["responses"])
