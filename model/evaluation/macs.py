"""What a video costs, in multiply-accumulates: a closed form, and torch's own counter to hold against it.

The unit is that of CenterCLIP (arXiv 2205.00823), TempMe (arXiv 2409.01156) and fvcore: one
multiply-accumulate is 1, where ``torch.utils.flop_counter`` counts 2. A block with n tokens of C channels in
attention and n' in the MLP takes 4nC² + 2n²C + 8n'C². Softmax, normalisation and biases are left out, and so
is, as in the papers, the arithmetic that chooses which tokens to keep.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from model.token_reduction.base import LayerTokens
from model.vision_transformer.trunk import Trunk
from model.vision_transformer.video_tower import REDUCTION_LABEL


class Macs(NamedTuple):
    """Multiply-accumulates of a run."""

    tower: int
    """Of the tower itself: what the closed form gives."""
    reduction: int
    """Of the reducer's hooks; torch sees nothing inside the operator that clusters."""


def count_macs(trunk: Trunk, schedule: Sequence[LayerTokens], vectors: int, *, lora_rank: int = 0) -> int:
    """Return the multiply-accumulates of one video that ends as ``vectors`` pooled vectors.

    ``lora_rank`` is that of adapters beside every QKV projection; 0 for none, or for merged ones.
    """
    cost, shape = trunk.cost, trunk.shape
    lora_token = 2 * lora_rank * cost.attend_pair  # C·r down and r·3C up; attend_pair is 2C
    pictures = schedule[0].sequences * schedule[0].entering // (shape.class_tokens + shape.patches)
    total = pictures * cost.embed_picture
    for layer in schedule:
        attention = layer.attended * (cost.project_token + lora_token + layer.attended * cost.attend_pair)
        total += layer.sequences * (attention + layer.leaving * cost.feed_forward_token)
    pooled_tokens = schedule[-1].sequences * schedule[-1].leaving
    return total + pooled_tokens * cost.pool_token + vectors * cost.pool_vector


def measure_macs(function: Callable[[], object]) -> Macs:
    """Return the multiply-accumulates of a run of ``function``, as torch counts them.

    Tensors may be fake or on the meta device: then nothing is computed.
    """
    flops = FlopCounterMode(display=False, custom_mapping=_UNCOUNTED_BY_TORCH)
    with _visible_attention(), flops, _ReductionShare(flops) as share:
        function()
    return Macs((flops.get_total_flops() - share.flops) // 2, share.flops // 2)


_UNCOUNTED_BY_TORCH: dict[Any, Any] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: (
        lambda query, key, value, *_, **__: sdpa_flop_count(query, key, value)
    )
}
"""torch knows what fused attention costs on CUDA, and takes the kernel for CPUs to be free."""


@contextmanager
def _visible_attention() -> Iterator[None]:
    """Keep ``nn.MultiheadAttention`` off the path that no counter sees: it takes that in eval mode."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


class _ReductionShare(TorchDispatchMode):
    """Sees the profiler's marks around the reducer's hooks and sums up what was counted between them."""

    def __init__(self, counter: FlopCounterMode) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0
        self._counter = counter
        self._open_marks: list[bool] = []
        self._start = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.profiler._record_function_enter_new.default:
            self._open_marks.append(args[0] == REDUCTION_LABEL)
            if self._open_marks[-1]:
                self._start = self._counter.get_total_flops()
        elif func is torch.ops.profiler._record_function_exit._RecordFunction and self._open_marks.pop():
            self.flops += self._counter.get_total_flops() - self._start
        return func(*args, **(kwargs or {}))
