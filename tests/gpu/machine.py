"""Where these tests run: on an NVIDIA GPU or, to try out the tests themselves, on a processor.

``GPU_TESTS_DEVICE=cpu`` does the latter, with a small tower; what only a GPU can show is then left out.
"""

import os

import pytest
import torch

from model.evaluation.efficiency.arms import Backbone, build_backbone
from tests.small_towers import small_backbone

DEVICE = torch.device(os.environ.get("GPU_TESTS_DEVICE", "cuda"))

REASON = "needs an NVIDIA GPU: run tests/gpu/run.sh on a machine that has one"

needs_device = pytest.mark.skipif(DEVICE.type == "cuda" and not torch.cuda.is_available(), reason=REASON)
"""For tests that a processor can try out."""

needs_gpu = pytest.mark.skipif(DEVICE.type != "cuda" or not torch.cuda.is_available(), reason=REASON)
"""For tests of what only a GPU has."""


def open_backbone() -> Backbone:
    """Return ViT-B/32 on the GPU, or a small tower on the processor, in float32 without TensorFloat-32."""
    # Else the patch embedding keeps 10 bits.
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    backbone = build_backbone("paper-b32") if DEVICE.type == "cuda" else small_backbone()
    backbone.tower.to(DEVICE).eval()
    return backbone
