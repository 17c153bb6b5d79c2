"""The most bytes that tensors hold at one time, on any device, and what CenterCLIP's tables say of it.

Training memory (arXiv 2205.00823, tables 1 to 4) is linear in the tokens: a constant for weights, optimizer
and pictures, and for each token as much as a block keeps of it until the backward pass.
"""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from model.token_reduction.base import LayerTokens, TowerShape


def measure_peak_bytes(function: Callable[[], object], device: str = "cpu") -> int:
    """Return the most bytes of tensors that were live at one time while ``function`` ran.

    On CUDA the allocator is asked. Elsewhere every tensor that the run reads or makes is followed, also under
    ``FakeTensorMode``, where a step that no machine could hold is accounted without being computed; what a
    kernel allocates for itself stays unseen.
    """
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        function()
        torch.cuda.synchronize(device)
        return int(torch.cuda.max_memory_allocated(device))
    live = _LiveBytes()
    with live:
        function()
    return live.peak


def mean_token_share(schedule: Sequence[LayerTokens], shape: TowerShape, frames: int) -> float:
    """Return the mean over the blocks of the tokens that leave one, as a share of those of all frames."""
    whole = shape.layers * frames * (shape.class_tokens + shape.patches)
    return sum(layer.sequences * layer.leaving for layer in schedule) / whole


def predict_peak_bytes(share: float, known: tuple[float, int], other: tuple[float, int]) -> float:
    """Return the peak of training at a mean token share, from the shares and peaks of two known runs.

    Raises ValueError if both have the same share.
    """
    if known[0] == other[0]:
        raise ValueError(f"two runs at the mean token share {known[0]} tell nothing of other shares")
    slope = (known[1] - other[1]) / (known[0] - other[0])
    return known[1] + slope * (share - known[0])


class _LiveBytes(TorchDispatchMode):
    """Follows storages, so that views count once, from their first sight to their end."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._now = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        for tensor in _tensors((args, kwargs)):
            if tensor.untyped_storage()._cdata not in self._sizes:
                self.peak += tensor.untyped_storage().nbytes()  # it was there at every earlier peak
                self._follow(tensor)
        result = self._run_inside(func, args, kwargs)
        for tensor in _tensors((args, kwargs, result)):
            self._follow(tensor)
        return result

    def _run_inside(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the result of ``func``; of a composed one, as inference mode hands on, see every part."""
        if func.namespace == "aten":
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        return func(*args, **kwargs)

    def _follow(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._sizes:
            weakref.finalize(storage, self._free, key).atexit = False
        self._now += size - self._sizes.get(key, 0)
        self._sizes[key] = size
        self.peak = max(self.peak, self._now)

    def _free(self, key: int) -> None:
        self._now -= self._sizes.pop(key)


def _tensors(values: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]
