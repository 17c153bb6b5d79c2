"""The processes that train one model together, started by torchrun, or one process by itself.

Each holds the whole model and a share of every batch. Vectors are gathered, so that every pair is told apart
from all others of the batch wherever these were encoded; gradients are summed.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from model.factory import choose_device

T = TypeVar("T")

PATIENCE = timedelta(days=2)
"""The first process may decode a dataset for a day while others wait. torchrun ends those of a dead one."""


@dataclass(frozen=True)
class Processes:
    """The place of this process among those that train together."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes files and speaks to people."""
        return self.rank == 0

    def share(self, number: int) -> slice:
        """Return this process's contiguous share of ``number`` things, as even as can be."""
        return slice(number * self.rank // self.count, number * (self.rank + 1) // self.count)

    def gather(self, own: Tensor) -> Tensor:
        """Return the rows (n, D) of all processes, (count * n, D) in order of rank, as constants."""
        if self.count == 1:
            return own.detach()
        parts = [torch.empty_like(own) for _ in range(self.count)]
        dist.all_gather(parts, own.detach().contiguous())
        return torch.cat(parts)

    def gather_objects(self, own: T) -> list[T]:
        """Return what each process gave, in order of rank."""
        if self.count == 1:
            return [own]
        parts: list[T | None] = [None] * self.count
        dist.all_gather_object(parts, own)
        return cast(list[T], parts)

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by the sum of those that the processes have."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        for work in [dist.all_reduce(gradient, async_op=True) for gradient in gradients]:
            work.wait()

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.count > 1:
            dist.barrier()


def is_first_process() -> bool:
    """Tell whether torchrun, if it started this process, calls it the first."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def join_processes(device: str) -> Iterator[tuple[Processes, torch.device]]:
    """Yield this process's place and its device: under torchrun one of several, each with its own GPU.

    Raises ValueError for a device that is not there.
    """
    target = choose_device(device)
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ or dist.is_initialized():
        yield _own_place(), target
        return
    if target.type == "cuda":
        target = _own_gpu(int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(target)
    dist.init_process_group("nccl" if target.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield _own_place(), target
    finally:
        dist.destroy_process_group()


def _own_place() -> Processes:
    """Return the place in a group that there is already, as a caller of ``train`` may have made one."""
    return Processes(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else Processes()


def _own_gpu(local_rank: int) -> torch.device:
    if local_rank >= torch.cuda.device_count():
        raise ValueError(
            f"torchrun started process {local_rank} on a machine with {torch.cuda.device_count()} GPUs: "
            "give it no more processes than GPUs, or --device cpu"
        )
    return torch.device("cuda", local_rank)
