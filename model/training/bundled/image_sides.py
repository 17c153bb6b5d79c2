"""The image side of either stage: what learns, on top of what the frozen part of the stem gives."""

from typing import Any

from open_clip.timm_model import TimmModel
from timm.layers.patch_dropout import PatchDropout
from torch import Tensor, nn
from torch.nn.functional import normalize

from model.training.bundled.photograph_views import GRID
from model.vision_transformer.mobilenet_hybrid import LAST_CHANNELS

HIDDEN = 1024
HEAD_DROPOUT = 0.2
PATCHES_DROPPED = 0.4
"""Of every picture, while training (Li et al. 2023, arXiv 2212.00794): less to compute, and a vector that
does not hang on a few patches, of which token reduction will keep a part."""
SMALLEST_DEVIATION = 0.05


class PooledHead(nn.Module):
    """Maps the teacher's pooled features (n, 1280) to unit vectors (n, D): the image side of stage 1."""

    def __init__(self, examples: Tensor, dimension: int) -> None:
        """Start from random weights; ``examples`` (n, 1280) say how the features are scaled."""
        super().__init__()
        self.register_buffer("mean", examples.mean(0))
        self.register_buffer("deviation", examples.std(0) + SMALLEST_DEVIATION)
        self.layers = nn.Sequential(
            nn.Dropout(HEAD_DROPOUT),
            nn.Linear(LAST_CHANNELS, HIDDEN),
            nn.GELU(),
            nn.Dropout(HEAD_DROPOUT),
            nn.Linear(HIDDEN, dimension),
        )

    def forward(self, maps: Tensor, pooled: Tensor) -> Tensor:
        """Return unit vectors (n, D); ``maps`` are not looked at."""
        standard = (pooled - self.get_buffer("mean")) / self.get_buffer("deviation")
        return normalize(self.layers(standard).float(), dim=-1)


class TowerSide(nn.Module):
    """All of the image tower behind the frozen convolutions, as it will be served: stage 2."""

    def __init__(self, tower: TimmModel) -> None:
        super().__init__()
        trunk: Any = tower.trunk
        self.stem = trunk.patch_embed.backbone
        self.tower = tower
        self._patch_dropout = PatchDropout(PATCHES_DROPPED, num_prefix_tokens=0)

    def forward(self, maps: Tensor, pooled: Tensor) -> Tensor:
        """Return unit vectors (n, D) of maps (n, cells, channels); ``pooled`` is not looked at."""
        trunk: Any = self.tower.trunk
        features = self.stem.widen(maps.mT.unflatten(2, (GRID, GRID)))  # (n, LAST_CHANNELS, GRID, GRID)
        tokens = trunk.patch_embed.proj(features).flatten(2).mT
        tokens = self._patch_dropout(trunk._pos_embed(tokens))
        vectors = self.tower.head(trunk.forward_head(trunk.norm(trunk.blocks(tokens))))
        return normalize(vectors.float(), dim=-1)
