"""Text towers in ONNX Runtime."""

import pytest
import torch
from open_clip.transformer import LayerScale
from torch import nn
from torch.nn.functional import cosine_similarity

from model.text_runtime.onnx_graph import Precision, write_graph
from model.text_runtime.onnx_tower import OnnxTower
from model.text_runtime.text_tower import TextTower, take_apart
from tests.text_towers import CAUSAL, WHOLE, ids_of_lengths, random_tower

LEAST = {Precision.FLOAT32: 0.99999, Precision.INT8_BLOCKS: 0.999, Precision.INT8: 0.998}


def opened(name: str) -> tuple[TextTower, torch.Tensor]:
    model = random_tower(name)
    ids = ids_of_lengths(model, [2, 3, 9, model.context_length])
    tower = take_apart(model, ids)
    assert tower is not None
    return tower, ids


@pytest.mark.parametrize("name", [*CAUSAL, *WHOLE])
def test_vectors_are_those_of_torch_as_nearly_as_the_numbers_allow(name: str) -> None:
    tower, ids = opened(name)
    with torch.inference_mode():
        own = tower(ids)
    for precision in Precision:
        vectors = OnnxTower(tower, precision)(ids)
        assert cosine_similarity(vectors, own).min() > LEAST[precision], precision


@pytest.mark.parametrize("precision", Precision)
def test_a_text_has_the_same_vector_alone_and_in_a_batch(precision: Precision) -> None:
    tower, ids = opened("ViT-B-32")
    fast = OnnxTower(tower, precision)
    assert torch.equal(fast(ids), torch.cat([fast(row[None]) for row in ids]))


def test_what_a_block_adds_is_rescaled_where_the_model_does_so() -> None:
    tower, ids = opened("ViT-B-32")
    for block in tower.holder.transformer.resblocks:
        block.ls_1, block.ls_2 = LayerScale(192, 0.3), LayerScale(192, 3)
    with torch.inference_mode():
        assert cosine_similarity(OnnxTower(tower, Precision.FLOAT32)(ids), tower(ids)).min() > 0.99999


@pytest.mark.parametrize("part", ["attn", "ln_1", "mlp.gelu", "ls_1", "mlp.c_fc"])
def test_parts_that_the_graph_has_no_words_for_are_named(part: str) -> None:
    tower, _ = opened("ViT-B-32")
    tower.holder.transformer.resblocks[1].set_submodule(part, nn.Tanh())
    with pytest.raises(ValueError, match=r"no words for (Tanh|ResidualAttentionBlock)"):
        write_graph(tower, Precision.FLOAT32)


def test_weights_that_are_all_zero_stay_zero() -> None:
    tower, ids = opened("ViT-B-32")
    for block in tower.holder.transformer.resblocks:
        nn.init.zeros_(block.mlp.c_proj.weight)
    for precision in Precision:
        assert OnnxTower(tower, precision)(ids).isfinite().all()
