"""The machine that figures were found on, as every report tells it."""

import os
import platform
from pathlib import Path

import torch

PROCESSORS = Path("/proc/cpuinfo")
"""Where Linux tells the name of a processor, which Python does not know there."""


def describe_machine(device: torch.device) -> dict[str, object]:
    """Return what the figures depend on besides what was asked for."""
    is_cuda = device.type == "cuda"
    return {
        "processor": torch.cuda.get_device_name(device) if is_cuda else _processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda if is_cuda else None,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "load_average": os.getloadavg()[0],
    }


def _processor() -> str | None:
    for line in PROCESSORS.read_text().splitlines() if PROCESSORS.exists() else ():
        key, _, name = line.partition(":")
        if key.strip() == "model name":
            return name.strip()
    return platform.processor() or None
