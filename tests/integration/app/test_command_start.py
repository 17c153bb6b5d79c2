"""What a command loads before it does anything: seconds and hundreds of megabytes where it is too much."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOLD = """
import sys
from app import cli
sys.argv = ["reelseek", *sys.argv[1:]]
try:
    cli.main()
finally:
    print("loaded:", *sorted({"torch", "open_clip", "faiss", "av"} & set(sys.modules)))
"""


@pytest.mark.parametrize("command", ["search --help", "generations list"])
def test_a_command_that_runs_no_model_loads_none(command: str, tmp_path: Path) -> None:
    environment = os.environ | {"REELSEEK_HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    answer = subprocess.run(
        [sys.executable, "-c", TOLD, *command.split()],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = answer.stdout.splitlines()[-1].split()[1:]
    assert {"torch", "open_clip", "faiss"}.isdisjoint(loaded), loaded
