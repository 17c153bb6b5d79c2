"""The typed Python client, generated as `make client` does and used against a running service.

CI runs this on every change, so that no change of the interface leaves it without a client.
"""

import importlib
import json
import os
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.config import ServiceSettings
from app.main import create_app
from indexer.catalog import jobs
from tests.factories import make_video
from tests.service import Service

ROOT = Path(__file__).parents[3]
PACKAGE = "reelseek_client"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that holds the package; a warning of the generator is an error."""
    folder = tmp_path_factory.mktemp("client")
    document = create_app(ServiceSettings(home=folder / "unused")).openapi()
    (folder / "openapi.json").write_text(json.dumps(document))
    scripts = sysconfig.get_path("scripts")  # where the generator is, and ruff, with which it formats
    arguments = "--path openapi.json --output-path made --meta setup --fail-on-warning --config".split()
    subprocess.run(
        [f"{scripts}/openapi-python-client", "generate", *arguments, str(ROOT / ".ci" / "client.yaml")],
        cwd=folder,
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        check=True,
    )
    return folder / "made"


@pytest.fixture
def client(generated: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield what imports a module of the generated package."""
    monkeypatch.syspath_prepend(str(generated))
    yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


@contextmanager
def listening(service: Service) -> Iterator[str]:
    """Yield the address of ``service`` while it listens on a port of its own."""
    app = create_app(service.services.settings, service.services)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def test_the_client_searches_and_reads_typed_answers(service: Service, client: Any) -> None:
    video = service.add_video(["a dog", "a cat"], title="Pets")
    with listening(service) as address, client("client").Client(base_url=address) as connection:
        answer = client("api.search.find_moments").sync(client=connection, q="a cat", merge=False, limit=1)
        listed = client("api.videos.list_videos").sync(client=connection)
    assert isinstance(answer, client("models.search_answer").SearchAnswer)
    [hit] = answer.data
    assert (hit.video_id, hit.start, hit.video.title) == (video.id, 4.0, "Pets")
    assert [one.id for one in listed.data] == [video.id]


def test_the_client_sends_bodies_and_forms_and_gets_files(service: Service, client: Any) -> None:
    video = service.add_video(["a dog", "a cat"])
    models, types = client("models"), client("types")
    term = models.SearchTerm(words="a dog", weight=2.0)
    body = models.SearchBody(terms=[term], merge=False, filters=models.SearchFilters(video_id=[video.id]))
    with listening(service) as address, client("client").Client(base_url=address) as connection:
        answer = client("api.search.search_by_examples").sync(client=connection, body=body)
        table = client("api.export.export_moments").sync(
            models.ExportFormat.CSV, client=connection, clip=[answer.data[0].clip_id]
        )
        form = models.UploadVideoUploadForm(file=types.File(payload=b"a film", file_name="film.mp4"))
        upload = client("api.videos.upload_video").sync(client=connection, body=form)
    assert [hit.start for hit in answer.data] == [0.0, 4.0]
    assert table.payload.read().startswith(b"rank,title")
    assert upload.is_new


def test_the_client_follows_a_job_to_its_end(service: Service, client: Any) -> None:
    with service.library.database.writing() as session:
        video = make_video()
        session.add(video)
        session.flush()
        job = jobs.enqueue(session, video.id)
        ended = jobs.cancel(session, job.id)
    assert ended is not None
    with listening(service) as address, client("client").Client(base_url=address) as connection:
        follow = client("api.jobs.follow_job").sync
        told = follow(job.id, client=connection)
        assert follow(job.id, client=connection, last_event_id=str(ended.version)) is None
    assert told.startswith(f"retry: 2000\n\nid: {ended.version}\ndata: ")
    assert json.loads(told.split("data: ")[1])["state"] == "cancelled"


def test_the_client_gets_problems_as_problems(service: Service, client: Any) -> None:
    with listening(service) as address, client("client").Client(base_url=address) as connection:
        problem = client("api.search.find_moments").sync(client=connection, q="a cat", cursor="mine")
    assert isinstance(problem, client("models.problem").Problem)
    assert [wrong.parameter for wrong in problem.errors] == ["cursor"]


def test_the_client_is_typed_from_end_to_end(generated: Path, tmp_path: Path) -> None:
    assert (generated / PACKAGE / "py.typed").exists()
    (tmp_path / "use.py").write_text(
        f"from {PACKAGE} import Client\n"
        f"from {PACKAGE}.api.search import find_moments\n"
        f"from {PACKAGE}.models import SearchAnswer\n"
        'answer = find_moments.sync(client=Client(base_url="http://localhost:8000"), q="a cat")\n'
        "assert isinstance(answer, SearchAnswer)\n"
        "reveal_type(answer.data[0].start)\n"
        "answer.data[0].strat\n"
    )
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "use.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(generated)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = checked.stdout.splitlines()
    assert 'Revealed type is "float"' in told[0].replace("builtins.", "")
    assert 'has no attribute "strat"' in told[1]
    assert told[2].startswith("Found 1 error in 1 file")
