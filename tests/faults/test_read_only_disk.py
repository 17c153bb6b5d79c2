"""A disk that can only be read (ext4 after an error, tmpfs remounted): searches go on, the rest is told."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.config import Settings
from indexer.doctor.examination import examine
from indexer.doctor.finding import FindingCode
from indexer.library import open_library
from tests.faults.small_disk import breakable_disk, leftovers, read_only, small_disk
from tests.service import open_service, search

ROOT = Path(__file__).parents[2]
WRITING = 'import sys; sys.argv = ["reelseek", *sys.argv[1:]]; from app.cli import main; main()'


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Yield a home folder on a disk of its own."""
    home = tmp_path / "home"
    with small_disk(home):
        yield home


@pytest.mark.allow_error_logs
def test_searches_go_on_when_the_disk_fails_under_the_service_and_the_rest_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with breakable_disk(home) as disk:
        with open_service(home) as service:
            video = service.add_video(["a cat"])
            search(service, q="a cat")
            os.sync()
            disk.fail()
            found = search(service, q="a cat")["data"]
            assert [hit["video_id"] for hit in found] == [video.id]
            assert service.client.get(found[0]["thumbnail_url"]).status_code == 200
            for refused in (
                service.client.post("/videos", files={"file": ("film.mp4", b"film")}),
                service.client.post("/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "9"}),
                service.client.delete(f"/videos/{video.id}"),
            ):
                assert refused.status_code in {503, 507}, refused.text
                assert refused.headers["content-type"] == "application/problem+json"
        disk.unmount()
        assert disk.mount()
        with open_service(home) as service:
            assert [hit["video_id"] for hit in search(service, q="a cat")["data"]] == [video.id]
            assert leftovers(home) == []
            drift = {result.finding.code for result in examine(service.library, is_deep=True)}
            assert drift == {FindingCode.MEDIA_MISSING}  # this video never had a file
            assert service.client.post("/videos", files={"file": ("a.mp4", b"film")}).status_code == 202
            assert service.client.delete(f"/videos/{video.id}").status_code == 200


@pytest.mark.parametrize("command", [("serve", "--workers", "0"), ("doctor",), ("search", "a cat")])
def test_a_command_that_cannot_write_says_so_in_a_line(home: Path, command: tuple[str, ...]) -> None:
    open_library(Settings(home=home)).close()
    environment = {"REELSEEK_HOME": str(home), "PATH": "", "OMP_NUM_THREADS": "1"}
    with read_only(home):
        ended = subprocess.run(
            [sys.executable, "-c", WRITING, *command],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "read" in ended.stderr.lower()
    assert str(home) in ended.stderr
