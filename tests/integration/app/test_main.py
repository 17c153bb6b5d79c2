"""The application as a whole: its OpenAPI document, its errors, its start and its end."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import ServiceSettings
from app.errors import all_problems
from app.main import create_app
from tests.fakes import fake_encoders
from tests.service import Service, open_service


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the OpenAPI document; making it opens no library."""
    return create_app(ServiceSettings(home=tmp_path_factory.mktemp("unused"))).openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_openapi_calls_every_operation_by_tag_and_a_name_of_its_own(document: dict[str, Any]) -> None:
    named = {name: f"{one['tags'][0]}.{one['operationId']}" for name, one in operations(document)}
    assert len(named) == len(set(named.values()))
    released = {
        "GET /search": "search.find_moments",
        "POST /search": "search.search_by_examples",
        "GET /export/{export_format}": "export.export_moments",
        "POST /judgements": "judgements.add_judgement",
        "GET /judgements": "judgements.list_judgements",
        "DELETE /judgements/{judgement_id}": "judgements.delete_judgement",
        "POST /videos": "videos.upload_video",
        "GET /videos": "videos.list_videos",
        "GET /videos/{video_id}": "videos.read_video",
        "DELETE /videos/{video_id}": "videos.remove_video",
        "GET /videos/{video_id}/stream": "videos.stream_video",
        "GET /collections": "collections.list_collections",
        "OPTIONS /uploads": "uploads.describe_uploads",
        "POST /uploads": "uploads.begin_upload",
        "PATCH /uploads/{upload_id}": "uploads.continue_upload",
        "HEAD /uploads/{upload_id}": "uploads.locate_upload",
        "GET /uploads/{upload_id}": "uploads.read_upload",
        "DELETE /uploads/{upload_id}": "uploads.end_upload",
        "POST /imports": "uploads.import_files",
        "PUT /videos/{video_id}/subtitles": "videos.put_subtitles",
        "DELETE /videos/{video_id}/subtitles": "videos.delete_subtitles",
        "GET /clips/{clip_id}/thumbnail": "clips.show_thumbnail",
        "GET /clips/{clip_id}/download": "clips.download_clip",
        "GET /clips/{clip_id}/preview": "clips.show_preview",
        "GET /clips/{clip_id}/heatmap": "clips.show_heatmap",
        "GET /jobs": "jobs.list_jobs",
        "GET /jobs/{job_id}": "jobs.read_job",
        "GET /jobs/{job_id}/events": "jobs.follow_job",
        "POST /jobs/{job_id}/cancel": "jobs.cancel",
        "POST /jobs/{job_id}/retry": "jobs.retry",
        "GET /webhooks": "webhooks.list_webhooks",
        "POST /webhooks": "webhooks.add_webhook",
        "GET /webhooks/{webhook_id}": "webhooks.read_webhook",
        "DELETE /webhooks/{webhook_id}": "webhooks.delete_webhook",
        "POST /webhooks/{webhook_id}/test": "webhooks.send_test_message",
        "GET /webhooks/{webhook_id}/deliveries": "webhooks.list_deliveries",
        "GET /generations": "generations.list_models",
        "POST /generations/{generation}/promote": "generations.promote_generation",
        "POST /generations/rollback": "generations.roll_back",
        "GET /health": "health.check_health",
        "GET /ready": "health.check_readiness",
    }
    assert named == released


def test_openapi_describes_every_operation_and_its_problems(document: dict[str, Any]) -> None:
    known_tags = {tag["name"] for tag in document["tags"]}
    for name, operation in operations(document):
        assert set(operation["tags"]) <= known_tags, name
        assert operation["summary"], name
        assert operation["description"], name
        failures = {
            status: answer for status, answer in operation["responses"].items() if status[0] not in "23"
        }
        assert "default" in failures, name
        for answer in failures.values():
            schema = answer["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}, name


def test_openapi_refers_only_to_what_it_defines(document: dict[str, Any]) -> None:
    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"]} if "$ref" in part else set()
            return own.union(*(references(value) for value in part.values()))
        return set().union(*(references(value) for value in part)) if isinstance(part, list) else set()

    defined = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= defined
    assert not any("HTTPValidationError" in name for name in defined)


def test_openapi_describes_the_upload_form(document: dict[str, Any]) -> None:
    body = document["paths"]["/videos"]["post"]["requestBody"]
    schema = body["content"]["multipart/form-data"]["schema"]
    assert body["required"]
    optional = {"title", "collection", "recorded_at", "metadata", "subtitles", "subtitles_language"}
    assert set(schema["properties"]) == {"file", *optional}
    assert schema["required"] == ["file"]


def test_openapi_names_every_problem_of_an_operation(document: dict[str, Any]) -> None:
    description = document["paths"]["/videos"]["post"]["responses"]["413"]["description"]
    assert "/problems/upload-too-large" in description


def test_an_unknown_address_is_a_problem(service: Service) -> None:
    response = service.client.get("/nothing/here")
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "/problems/not-found"
    assert problem["status"] == response.status_code == 404
    assert problem["instance"] == "/nothing/here"
    assert problem["request_id"] == response.headers["x-request-id"]
    assert "GET /nothing/here" in problem["detail"]


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(service: Service) -> None:
    response = service.client.put("/search")
    assert (response.status_code, response.json()["type"]) == (405, "/problems/method-not-allowed")
    assert "GET" in response.headers["allow"]


def test_a_wrong_method_is_told_every_right_one(service: Service) -> None:
    assert service.client.put("/videos").headers["allow"] == "GET, POST"
    assert service.client.put("/videos/1").headers["allow"] == "DELETE, GET"
    assert service.client.put("/videos/1/stream").headers["allow"] == "GET, HEAD"


def test_the_page_has_a_head(service: Service) -> None:
    response = service.client.head("/")
    assert (response.status_code, response.content) == (200, b"")


def test_an_error_of_ours_is_logged_and_tells_nothing_of_the_inside(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    logged: list[Any] = []
    monkeypatch.setattr("app.api.search.search_as_json", fail)
    monkeypatch.setattr("app.request_envelope.log.exception", lambda *_, extra: logged.append(extra))
    response = service.client.get("/search", params={"q": "a cat"}, headers={"X-Request-ID": "mine-1"})
    assert (response.status_code, response.json()["type"]) == (500, "/problems/internal-error")
    assert response.json()["request_id"] == response.headers["x-request-id"] == "mine-1"
    assert logged == [{"request_id": "mine-1"}]
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


def test_every_answer_carries_an_id_and_security_headers(service: Service) -> None:
    for path in ("/", "/health", "/search", "/nothing"):
        headers = service.client.get(path).headers
        assert len(headers["x-request-id"]) == 32
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_request_id_that_could_do_harm_is_replaced(service: Service) -> None:
    for hostile in ("a b", "x" * 65, "<script>"):
        assert (
            service.client.get("/health", headers={"X-Request-ID": hostile}).headers["x-request-id"]
            != hostile
        )


def test_problem_types_are_distinct_and_no_status_contradicts_another(service: Service) -> None:
    names = [problem.name for problem in all_problems()]
    assert len(names) == len(set(names))


def test_the_application_opens_the_library_and_saves_a_snapshot_when_it_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_service(tmp_path) as service:
        service.add_video(["a cat"])
    for snapshot in (tmp_path / "index").iterdir():
        snapshot.unlink()
    monkeypatch.setattr("model.factory.load_encoders", lambda *_, **__: fake_encoders())
    with TestClient(create_app(ServiceSettings(home=tmp_path))) as client:
        assert len(client.get("/search", params={"q": "a cat"}).json()["data"]) == 1
    assert len(list((tmp_path / "index").iterdir())) == 1


def test_settings_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSEEK_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setattr("model.factory.load_encoders", lambda *_, **__: fake_encoders())
    with TestClient(create_app()) as client:
        assert client.get("/ready").status_code == 200
    assert (tmp_path / "elsewhere" / "reelseek.db").exists()
