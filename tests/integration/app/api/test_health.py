"""Health, readiness and the page."""

import pytest
from sqlalchemy import text

from tests.service import Service


def test_health_looks_at_nothing(service: Service) -> None:
    service.library.close()
    assert service.client.get("/health").json()["status"] == "ok"


def test_ready_tells_what_the_index_holds(service: Service) -> None:
    service.add_video(["a cat", "a dog"])
    ready = service.client.get("/ready").json()
    assert (ready["status"], ready["clips"], ready["revision"]) == ("ready", 2, 1)


def test_not_ready_when_the_catalog_has_lost_the_generation(service: Service) -> None:
    with service.library.database.writing() as session:
        session.execute(text("DELETE FROM generations"))
    response = service.client.get("/ready")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/not-ready")


def test_a_database_that_does_not_answer_is_a_problem_without_its_address(service: Service) -> None:
    with service.library.database.writing() as session:
        session.execute(text("ALTER TABLE videos RENAME TO lost_videos"))
    response = service.client.get("/search", params={"q": "a cat"})
    assert (response.status_code, response.json()["type"]) == (503, "/problems/database-unavailable")
    assert "SELECT" not in response.text


@pytest.mark.parametrize("path", ["/", "/web/style.css", "/web/modules/main.js"])
def test_the_page_is_served_under_a_policy_that_lets_in_nothing_foreign(service: Service, path: str) -> None:
    response = service.client.get(path)
    assert response.status_code == 200
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-cache"


def test_the_page_gives_no_file_outside_its_folder(service: Service) -> None:
    for path in ("/web/../main.py", "/web/..%2fmain.py", "/web/%2e%2e/main.py", "/web//etc/passwd"):
        response = service.client.get(path)
        assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")
