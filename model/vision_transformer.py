"""An open_clip VisionTransformer run block by block, with a token reducer called between the blocks.

The tower's own modules do all the work (embedding, blocks, pooling, projection), so without a reducer the
vectors are those of its own ``forward``. Attention weights are never asked for, hence attention stays fused.
"""

from dataclasses import dataclass

from open_clip.transformer import VisionTransformer
from torch import Tensor, nn
from torch.profiler import record_function

from model.token_reduction.base import TokenCount, TokenReducer

REDUCTION_LABEL = "reduce tokens"
"""What a profiler calls the time spent choosing and merging tokens."""


@dataclass(frozen=True)
class TowerOutput:
    """What a tower makes of the frames of B videos."""

    vectors: Tensor
    """(B*S, D) in time order, projected, not normalised."""
    sequences: int
    """The S of each video: its frames if nothing was reduced."""
    token_counts: tuple[TokenCount, ...]
    """Tokens of one video entering each block; empty for a tower that was run whole."""


def run_tower(
    tower: nn.Module, pictures: Tensor, frames: int, reducer: TokenReducer | None = None
) -> TowerOutput:
    """Encode pictures (B*T, 3, H, W), ``frames`` of them a video, reducing tokens where ``reducer`` says.

    A tower of another kind is run whole. Raises ValueError if that leaves no place for the reducer, or if
    the reducer does not fit the frames.
    """
    if reducer is None and not isinstance(tower, VisionTransformer):
        return TowerOutput(tower(pictures), frames, ())
    vit = require_vision_transformer(tower)
    tokens = vit._embeds(pictures)  # (B*T, 1+N, C)
    sequences = frames
    counts = []
    for blocks_run, block in enumerate(vit.transformer.resblocks):
        if reducer is not None and reducer.reduces_after(blocks_run):
            with record_function(REDUCTION_LABEL):
                tokens, sequences = reducer.reduce(tokens, sequences)  # (B*S, 1+K, C)
        counts.append(TokenCount(sequences, tokens.shape[1]))
        tokens = block(tokens)
    pooled, _ = vit._pool(tokens)  # (B*S, C)
    return TowerOutput(pooled @ vit.proj, sequences, tuple(counts))  # (B*S, D)


def require_vision_transformer(tower: nn.Module) -> VisionTransformer:
    """Return ``tower`` if it can be run block by block; raises ValueError that says what can be."""
    if not isinstance(tower, VisionTransformer):
        raise ValueError(
            f"token reduction cannot run in a {type(tower).__name__}: it needs an open_clip "
            "VisionTransformer, as in ViT-B-32, ViT-B-16 or ViT-L-14 (no convolutional tower, no timm or "
            "HF trunk); choose such a model, or the reduction 'none'"
        )
    if tower.pool_type == "none" or tower.proj is None:
        raise ValueError(
            "this VisionTransformer does not give one projected vector a picture "
            f"(pool_type {tower.pool_type!r}): use a model that pools by 'tok' or 'avg' and has a projection"
        )
    return tower


def count_layers(tower: VisionTransformer) -> int:
    """Return the number of transformer blocks."""
    return len(tower.transformer.resblocks)


def count_patches(tower: VisionTransformer) -> int:
    """Return the number of patch tokens a picture, the class token not among them."""
    rows, columns = tower.grid_size
    return int(rows * columns)
