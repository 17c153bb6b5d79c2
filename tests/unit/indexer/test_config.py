"""Settings come from REELSEEK_* variables and have defaults that work."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from indexer.config import Settings, describe_invalid


def test_without_any_variable_the_library_is_a_folder_here_with_a_sqlite_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    settings = Settings()

    assert settings.home_folder == tmp_path / "reelseek-data"
    assert make_url(settings.catalog_url).database == str(tmp_path / "reelseek-data" / "reelseek.db")
    assert (settings.model, settings.reduction, settings.device) == ("tiny", "auto", "auto")


def test_variables_with_the_prefix_are_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSEEK_HOME", "~/films")
    monkeypatch.setenv("REELSEEK_DATABASE_URL", "postgresql+psycopg://me@db/reelseek")
    monkeypatch.setenv("REELSEEK_MAX_VIDEO_BYTES", "5000")

    settings = Settings()

    assert settings.home_folder == Path("~/films").expanduser()
    assert settings.catalog_url == "postgresql+psycopg://me@db/reelseek"
    assert settings.max_video_bytes == 5000


def test_a_home_with_characters_that_mean_something_in_a_url_still_opens(tmp_path: Path) -> None:
    home = tmp_path / "100% films? #1 été"

    settings = Settings(home=home)

    assert make_url(settings.catalog_url).database == str(home / "reelseek.db")


def test_a_limit_that_is_not_a_positive_number_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="max_video_bytes"):
        Settings(max_video_bytes=0)


def test_wrong_settings_are_told_by_their_variables_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSEEK_MAX_VIDEO_BYTES", "lots")
    monkeypatch.setenv("REELSEEK_MODEL", "tiny")
    with pytest.raises(ValidationError) as caught:
        Settings()
    (line,) = describe_invalid(caught.value).splitlines()
    assert line.startswith("REELSEEK_MAX_VIDEO_BYTES is 'lots': ")
