"""What tests of faults share: processes that are ready to be forked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.nursery import nursery
from tests.faults.running_service import Home


@pytest.fixture(scope="session")
def nursery_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield where services and workers are forked."""
    with nursery(tmp_path_factory.mktemp("nursery")) as address:
        yield address


@pytest.fixture
def home(tmp_path: Path, nursery_address: str) -> Home:
    """Return an empty library on SQLite that services and workers can be started on."""
    (tmp_path / "library").mkdir()
    return Home(
        tmp_path / "library", f"sqlite:///{tmp_path / 'library' / 'home' / 'reelseek.db'}", nursery_address
    )


@pytest.fixture
def either_home(tmp_path: Path, nursery_address: str, database_url: str) -> Home:
    """Return an empty library, once on SQLite and once on Postgres."""
    (tmp_path / "library").mkdir()
    return Home(tmp_path / "library", database_url, nursery_address)
