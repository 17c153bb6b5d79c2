"""What the tests on a GPU share: no fixture of the other tests, which need more packages."""

import pytest
import torch


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", "gpu: needs an NVIDIA GPU; skipped where there is none")


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Start each test from the same random numbers."""
    torch.manual_seed(0)
