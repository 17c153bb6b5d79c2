"""The README lists everything that a user can set, call or be told, and nothing that is gone."""

import re
from importlib.util import find_spec
from pathlib import Path

from app.cli import commands
from app.config import ServiceSettings
from app.errors import all_problems
from app.main import create_app
from indexer import ingest
from indexer.catalog.job_claims import WORKER_DIED
from indexer.catalog.job_states import CANCELLED
from indexer.errors import IndexingError
from indexer.folders.intake import BatchCode
from model.datasets.registry import DATASETS

README = (Path(__file__).parent.parent / "README.md").read_text()


def first_column(section: str) -> list[str]:
    """Return the code spans that begin the table rows under the heading ``section``."""
    text = README.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


def subclasses(kind: type[IndexingError]) -> list[type[IndexingError]]:
    """Return every class below ``kind``."""
    return [below for child in kind.__subclasses__() for below in (child, *subclasses(child))]


def test_readme_lists_every_setting() -> None:
    settings = [f"REELSEEK_{name.upper()}" for name in ServiceSettings.model_fields]
    assert sorted(first_column("Settings")) == sorted(settings)


def test_readme_states_the_default_of_every_setting_that_has_a_short_one() -> None:
    rows = dict(re.findall(r"^\| `REELSEEK_(\w+)` \| `([^`]+)` \|", README, flags=re.MULTILINE))
    fields = ServiceSettings.model_fields
    assert len(rows) >= 7
    assert rows == {name: str(fields[name.lower()].default) for name in rows}


def test_readme_lists_every_command() -> None:
    named = {
        command.name or command.callback.__name__
        for command in commands.registered_commands
        if command.callback
    }
    named |= {
        str(group.typer_instance.info.name) for group in commands.registered_groups if group.typer_instance
    }
    listed = [words.split() for words in first_column("Use it") if words.startswith("reelseek ")]
    assert {words[1] for words in listed} == named


def test_readme_lists_every_call_of_the_http_interface(tmp_path: Path) -> None:
    document = create_app(ServiceSettings(home=tmp_path)).openapi()
    calls = [f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item]
    assert sorted(first_column("HTTP calls")) == sorted(calls)


def test_readme_lists_every_problem_with_its_status() -> None:
    text = README.partition("\n## Problems\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (\d+) \|", text, flags=re.MULTILINE)
    assert sorted(rows) == sorted((problem.type, str(problem.status)) for problem in all_problems())


def test_readme_lists_every_reason_for_which_a_video_is_refused() -> None:
    reasons = {WORKER_DIED, CANCELLED, *BatchCode, *(kind.code for kind in subclasses(IndexingError))}
    assert ingest.InternalError.code in reasons  # importing the ingest has made its reasons known
    assert sorted(first_column("Refused videos")) == sorted(reasons)


def test_readme_names_every_dataset_that_can_be_read() -> None:
    text = README.partition("\n## Train and evaluate\n")[2].partition("\n## ")[0]
    assert [name for name in DATASETS if f"`{name}`" not in text] == []


def test_every_module_that_the_readme_runs_is_there() -> None:
    modules = re.findall(r"python -m ((?:app|indexer|model)[.\w]*)", README)
    assert len(set(modules)) >= 10
    assert [name for name in modules if find_spec(name) is None] == []


def test_every_relative_link_of_the_documents_leads_somewhere() -> None:
    root = Path(__file__).parent.parent
    for document in (root / "README.md", root / "CHANGELOG.md", *root.glob("docs/*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), (
                f"{document.name} links to {target}, which is not there"
            )
