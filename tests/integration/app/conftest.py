"""One running service a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import Service, open_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Yield a service over an empty library."""
    with open_service(tmp_path / "home") as service:
        yield service
