"""The service's settings."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.config import ServiceSettings


def test_the_service_listens_to_this_machine_only_unless_told_otherwise() -> None:
    assert ServiceSettings().host == "127.0.0.1"


def test_settings_of_the_service_and_of_the_library_share_one_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSEEK_PORT", "9000")
    monkeypatch.setenv("REELSEEK_HOME", "elsewhere")
    settings = ServiceSettings()
    assert (settings.port, settings.home) == (9000, Path("elsewhere"))


def test_no_upload_is_taken_that_no_worker_would_index() -> None:
    assert ServiceSettings(max_upload_bytes=10, max_video_bytes=20).upload_limit_bytes == 10
    assert ServiceSettings(max_upload_bytes=20, max_video_bytes=10).upload_limit_bytes == 10


@pytest.mark.parametrize("wrong", [{"port": 0}, {"workers": -1}, {"max_upload_bytes": 0}])
def test_values_out_of_bounds_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings.model_validate(wrong)
