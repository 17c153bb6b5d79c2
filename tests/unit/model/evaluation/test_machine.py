"""What a report tells of the machine."""

from pathlib import Path

import pytest
import torch

from model.evaluation import machine


def processor_told_by(path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(machine, "PROCESSORS", path)
    return machine.describe_machine(torch.device("cpu"))["processor"]


def test_the_processor_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Analytical Engine @ 7 Hz\nmodel name\t: another\n")
    assert processor_told_by(path, monkeypatch) == "Analytical Engine @ 7 Hz"


def test_a_system_that_tells_nothing_is_asked_by_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.processor", lambda: "abacus")
    assert processor_told_by(tmp_path / "absent", monkeypatch) == "abacus"
