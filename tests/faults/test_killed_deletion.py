"""A process that is killed (SIGKILL) at each point of a deletion: all of the video is left, or nothing."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from indexer import video_deletion
from indexer.config import Settings
from indexer.library import open_library
from tests.deleting import files_below, is_deleted, upload
from tests.faults.killed_deletion import POINTS
from tests.service import open_service, search

UNDONE = POINTS[:3]

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.faults
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_deletion_is_undone_or_finished_when_the_library_is_opened_again(
    tmp_path: Path, point: str
) -> None:
    home = tmp_path / "home"
    with open_service(home) as service:
        video_id = upload(service)
        before = [name for name in files_below(home) if not name.startswith("index/")]
    command = [sys.executable, "-m", "tests.faults.killed_deletion", str(home), video_id, point]
    assert subprocess.run(command, cwd=ROOT).returncode == -signal.SIGKILL
    with open_service(home) as service:
        left = [name for name in files_below(home) if not name.startswith("index/")]
        assert is_deleted(service, video_id) is (point not in UNDONE)
        assert left == (before if point in UNDONE else [])
        found = [hit["video_id"] for hit in search(service, q="a cat")["data"]]
        assert found == ([video_id] if point in UNDONE else [])
        assert service.client.delete(f"/videos/{video_id}").json()["files"]["media"] == 1
        assert [name for name in files_below(home) if not name.startswith("index/")] == []


@pytest.mark.faults
def test_a_read_only_disk_is_told_and_the_video_stays(tmp_path: Path) -> None:
    home, media = tmp_path / "home", tmp_path / "home" / "media"
    with open_service(home) as service:
        video_id = upload(service)
    mounted = subprocess.run(["mount", "--bind", str(media), str(media)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this account may not mount anything")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(media)], check=True)
        library = open_library(Settings(home=home))
        with pytest.raises(video_deletion.FilesLeft, match="Read-only file system"):
            video_deletion.delete_video(library, video_id)
        library.close()
    finally:
        subprocess.run(["umount", str(media)], check=True)
    with open_service(home) as service:
        assert [hit["video_id"] for hit in search(service, q="a cat")["data"]] == [video_id]
        assert service.client.delete(f"/videos/{video_id}").json()["files"]["thumbnails"] == 1
