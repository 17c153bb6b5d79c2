"""Towers that open_clip builds through timm: small ones of every kind, and real ones, of random weights."""

from typing import Any

import open_clip
import torch
from open_clip.timm_model import TimmModel
from timm.layers.hybrid_embed import HybridEmbed
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from model.token_reduction.base import TokenReducer
from model.vision_transformer.mobilenet_hybrid import MobileNetStem, Stage
from model.vision_transformer.video_tower import VideoTower

SIZE: dict[str, Any] = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 4, "num_heads": 2}
SIGLIP = {"class_token": False, "global_pool": "map", "num_classes": 0}
MOBILECLIP = {"global_pool": "token", "num_classes": 12}
PERCEPTION = {
    "global_pool": "map",
    "attn_type": "rope",
    "use_pre_transformer_norm": True,
    "use_rot_pos_emb": True,
    "ref_feat_shape": (4, 4),
    "rope_grid_offset": 1.0,
    "rope_grid_indexing": "xy",
    "attn_pool_num_heads": 8,
    "attn_pool_mlp_ratio": 4.0,
    "num_classes": 12,
}
AVERAGED = {"global_pool": "avg", "num_classes": 12}


def embed_by_convolutions(**settings: Any) -> HybridEmbed:
    """Return a small stem that strides as often as patches of 8 pixels need, with blocks of every kind."""
    stages = (Stage(1, 8, 1, 1), Stage(3, 12, 2, 2), Stage(3, 16, 1, 2))
    return HybridEmbed(backbone=MobileNetStem(stages, last_channels=48), **(settings | {"patch_size": 1}))


TOWERS: dict[str, tuple[type[nn.Module], dict[str, Any]]] = {
    "siglip": (VisionTransformer, SIGLIP),
    "mobileclip": (VisionTransformer, MOBILECLIP),
    "mobileclip-scaled": (VisionTransformer, {**MOBILECLIP, "pre_norm": True, "init_values": 0.1}),
    "mobileclip-normed": (VisionTransformer, {**MOBILECLIP, "qk_norm": True, "scale_attn_norm": True}),
    "perception": (Eva, PERCEPTION),
    "perception-scaled": (Eva, {**PERCEPTION, "init_values": 0.1, "mlp_ratio": 3.5}),
    "perception-classless": (Eva, {**PERCEPTION, "class_token": False, "rope_grid_offset": 0.0}),
    "mobilenet": (
        VisionTransformer,
        {**AVERAGED, "class_token": False, "embed_layer": embed_by_convolutions},
    ),
    "averaged": (VisionTransformer, {**AVERAGED, "reg_tokens": 2, "fc_norm": False}),
}
"""The kinds of trunk, small: 4 blocks for pictures of 32 pixels, 16 patches each."""

CLASS_TOKENS = {"siglip": 0, "perception-classless": 0, "mobilenet": 0, "averaged": 3}
"""How many tokens come before the patches, where that is not one."""


def small_tower(kind: str, **changes: Any) -> TimmModel:
    """Return a tower of random weights, biases and scales."""
    build, settings = TOWERS[kind]
    tower = TimmModel.__new__(TimmModel)
    nn.Module.__init__(tower)
    tower.trunk, tower.head = build(**(SIZE | settings | changes)), nn.Sequential()
    return _randomise(tower)


def real_tower(architecture: str, blocks: int) -> TimmModel:
    """Return the first blocks of a real tower, with random weights."""
    tower = tower_without_weights(architecture)
    del tower.trunk.blocks[blocks:]
    tower.to_empty(device="cpu")
    for module in tower.modules():
        if hasattr(module, "init_non_persistent_buffers"):
            module.init_non_persistent_buffers()
    return _randomise(tower)


def tower_without_weights(architecture: str) -> TimmModel:
    """Return a real tower on the meta device."""
    configuration = open_clip.get_model_config(architecture)
    with torch.device("meta"):
        tower = open_clip.model._build_vision_tower(configuration["embed_dim"], configuration["vision_cfg"])
    return tower.eval().requires_grad_(False)


def run(tower: TimmModel, reducer: TokenReducer, pictures: Tensor, frames: int) -> Tensor:
    """Return the vectors of pictures (B*T, 3, H, W)."""
    with torch.inference_mode():
        return VideoTower(tower, reducer, frames).run(pictures).vectors


@torch.no_grad()
def _randomise(tower: TimmModel) -> TimmModel:
    """Fill all parameters: what starts as zeros or ones would hide mistakes."""
    for weights in tower.parameters():
        if weights.ndim in (2, 4):
            weights.normal_(std=weights[0].numel() ** -0.5)
        else:
            weights.normal_(mean=0.5, std=0.5)
    for module in tower.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            module.reset_running_stats()
            module.running_mean.normal_()
    return tower.eval()
