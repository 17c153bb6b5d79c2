"""Which tensors are decayed: all but biases, as published."""

import pytest
import torch
from torch import nn

from model.training.parameter_groups import group_by_decay, is_bias
from tests.dual_encoders import small_clip, small_timm_clip


@pytest.mark.parametrize("name", ["ln_1.bias", "visual.blocks.0.attn.in_proj_bias", "bias", "attn.q_bias"])
def test_biases_are_known_by_their_names(name: str) -> None:
    assert is_bias(name)


@pytest.mark.parametrize(
    "name",
    [
        "ln_1.weight",
        "logit_scale",
        "visual.class_embedding",
        "positional_embedding",
        "bias_net.weight",
        "adapter.up",
    ],
)
def test_everything_else_is_no_bias(name: str) -> None:
    assert not is_bias(name)


def test_clips_layer_norm_scales_embeddings_and_temperature_are_decayed_and_its_biases_are_not() -> None:
    model = small_clip(layers=1)
    decayed, spared = group_by_decay("model", dict(model.named_parameters()), 5e-6, 0.2)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    block = "visual.transformer.resblocks.0"
    of_one_block = {
        name.removeprefix(f"{block}.")
        for name in (names[id(p)] for p in decayed["params"])
        if name.startswith(block)
    }
    assert of_one_block == {
        "ln_1.weight",
        "attn.in_proj_weight",
        "attn.out_proj.weight",
        "ln_2.weight",
        "mlp.c_fc.weight",
        "mlp.c_proj.weight",
    }
    others = {names[id(p)] for p in decayed["params"] if "resblocks" not in names[id(p)]}
    assert others == {
        "logit_scale",
        "positional_embedding",
        "text_projection",
        "token_embedding.weight",
        "ln_final.weight",
        "visual.class_embedding",
        "visual.positional_embedding",
        "visual.proj",
        "visual.conv1.weight",
        "visual.ln_pre.weight",
        "visual.ln_post.weight",
    }
    assert all(names[id(p)].endswith("bias") for p in spared["params"])
    assert len(spared["params"]) == 4 * 6 + 3  # six a block of the four of both towers, and three norms
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.2, 0.0)
    assert (decayed["name"], spared["name"]) == ("model, decayed", "model, not decayed")


def test_a_timm_towers_biases_are_spared_too() -> None:
    model = small_timm_clip("mobileclip-scaled")
    named = dict(model.named_parameters())
    decayed, spared = group_by_decay("model", named, 5e-6, 0.2)
    names = {id(parameter): name for name, parameter in named.items()}
    spared_names = {names[id(p)] for p in spared["params"]}
    assert {"visual.trunk.blocks.0.attn.qkv.bias", "visual.trunk.norm.bias"} <= spared_names
    decayed_names = {names[id(p)] for p in decayed["params"]}
    assert {
        "visual.trunk.pos_embed",
        "visual.trunk.cls_token",
        "visual.trunk.blocks.0.ls1.gamma",
    } <= decayed_names
    assert spared_names | decayed_names == set(named) and not spared_names & decayed_names


def test_no_group_is_empty() -> None:
    (group,) = group_by_decay("new", {"vectors": nn.Parameter(torch.zeros(2))}, 6e-4, 0.2)
    assert (group["name"], group["lr"], group["peak"]) == ("new, decayed", 6e-4, 6e-4)
    assert group_by_decay("none", {}, 6e-4, 0.2) == []
