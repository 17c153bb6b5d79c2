"""The container files: what can be proved of them without a container engine."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from app.config import ServiceSettings
from app.worker_supervision import DRAIN_S

ROOT = Path(__file__).parent.parent
DOCKER = ROOT / "docker"


def run_tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a development tool installed beside this Python; skips the test where it is not."""
    tool = Path(sys.executable).with_name(name)
    if not tool.exists():
        pytest.skip(f"{name} is not installed: make test brings it")
    command: list[str | Path] = [tool, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def runtime_requirements(variant: str) -> subprocess.CompletedProcess[str]:
    script = DOCKER / "runtime_requirements.py"
    command: list[str | Path] = [sys.executable, script, variant]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    answer = run_tool("hadolint", DOCKER / "Dockerfile")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_compose_files_follow_the_compose_schema() -> None:
    files = sorted(DOCKER.glob("compose*.yaml"))
    answer = run_tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *files)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert len(files) == 2


def test_every_variable_given_to_a_container_is_a_setting() -> None:
    settings = {f"REELSEEK_{name.upper()}" for name in ServiceSettings.model_fields}
    given = {
        name
        for file in (*DOCKER.glob("compose*.yaml"), DOCKER / "Dockerfile")
        for name in re.findall(r"^\s+(REELSEEK_\w+)[:=]", file.read_text(), flags=re.MULTILINE)
    }
    assert given
    assert given <= settings


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(DOCKER / "compose.yaml")
    return loaded


def test_every_setting_reaches_the_containers() -> None:
    of_the_image = {"REELSEEK_HOME", "REELSEEK_HOST", "REELSEEK_PORT"}
    of_the_graphics_card = {"REELSEEK_DEVICE"}
    settings = {f"REELSEEK_{name.upper()}" for name in ServiceSettings.model_fields}
    assert set(compose()["services"]["web"]["environment"]) == settings - of_the_image - of_the_graphics_card


def test_nothing_uses_the_database_before_it_is_upgraded() -> None:
    services = compose()["services"]
    upgrade = services["upgrade"]
    assert (upgrade["command"], upgrade["restart"]) == (["reelseek", "db", "upgrade"], "no")
    assert upgrade["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["web"]["depends_on"] == {"upgrade": {"condition": "service_completed_successfully"}}
    assert services["worker"]["depends_on"] == {"web": {"condition": "service_healthy"}}


def test_folders_that_may_be_imported_from_are_mounted_and_cannot_be_written() -> None:
    web = compose()["services"]["web"]
    roots = web["environment"]["REELSEEK_IMPORT_ROOTS"].split(":")
    assert all(any(volume.endswith(f":{root}:ro") for volume in web["volumes"]) for root in roots)


def test_a_container_has_longer_to_end_than_the_service_takes() -> None:
    grace = compose()["services"]["web"]["stop_grace_period"]
    assert float(grace.removesuffix("s")) > DRAIN_S


def test_the_image_copies_only_paths_that_exist_and_reach_the_builder() -> None:
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", (DOCKER / "Dockerfile").read_text(), flags=re.MULTILINE)
    sources = {source for line in copies for source in line.split()}
    admitted = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()}
    assert sources >= {"app", "indexer", "migrations", "model"}
    assert sources <= admitted
    assert all((ROOT / source).exists() for source in sources)


@pytest.mark.parametrize(("variant", "faiss"), [("cpu", "faiss-cpu"), ("cuda", "faiss-gpu")])
def test_the_image_installs_each_runtime_requirement_at_its_locked_version(variant: str, faiss: str) -> None:
    answer = runtime_requirements(variant)
    assert answer.returncode == 0, answer.stderr
    pins = dict(line.split("==") for line in answer.stdout.splitlines())
    assert [name for name in pins if name.startswith("faiss")] == [faiss]
    assert {"torch", "psycopg[binary]", "fastapi", "open_clip_torch"} <= set(pins)
    lock = (ROOT / "requirements.lock").read_text()
    assert all(re.search(rf"==({re.escape(version)})( ;|$)", lock, re.MULTILINE) for version in pins.values())


def test_an_unknown_image_variant_is_refused_by_name() -> None:
    answer = runtime_requirements("rocm")
    assert answer.returncode != 0
    assert "'rocm': choose one of cpu, cuda" in answer.stderr
