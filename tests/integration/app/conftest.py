"""One running service a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import Service, open_service


@pytest.fixture
def service(migrated_home: Path) -> Iterator[Service]:
    """Yield a service over an empty library."""
    with open_service(migrated_home) as service:
        yield service
