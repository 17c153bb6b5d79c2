"""Two processes with half a batch each compute what one computes with all of it."""

import socket
from pathlib import Path

import pytest
import torch

from tests.toy_training import drawing_run, toy_checkpoint
from tests.training_process import WAIT_S, save_gradients, start


@pytest.mark.timeout(2 * WAIT_S)
def test_two_gloo_processes_have_loss_and_gradients_of_one_with_the_whole_batch(tmp_path: Path) -> None:
    toy_checkpoint(tmp_path / "pretrained")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pair = [
        start(tmp_path, "gradients", str(tmp_path / "two.pt"), rank=rank, count=2, port=port)
        for rank in (0, 1)
    ]
    try:
        save_gradients(drawing_run(tmp_path), tmp_path / "one.pt")
        for process in pair:
            output, _ = process.communicate(timeout=WAIT_S)
            assert process.returncode == 0, output
    finally:
        for process in pair:
            process.kill()
    expected, found = torch.load(tmp_path / "one.pt"), torch.load(tmp_path / "two.pt")
    assert "model.logit_scale" in expected
    assert any(name.startswith("model.visual") for name in expected)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
