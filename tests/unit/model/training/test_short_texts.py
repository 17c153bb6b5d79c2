"""Captions in fewer places give the vectors, and the gradients, of those in all places."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from model.checkpoint import DualEncoder
from model.lora import add_lora
from model.training.short_texts import encode_texts, usable_length
from tests.dual_encoders import CONTEXT, VOCABULARY, small_clip, small_timm_clip

SHORT = 7


def captions(length: int = SHORT, vocabulary: int = VOCABULARY) -> Tensor:
    """Return texts of 3 to ``length`` tokens; the highest id ends each, and zeros follow."""
    ids = torch.zeros(4, length, dtype=torch.int64)
    for row, end in enumerate((2, 4, length - 2, length - 1)):
        ids[row, :end] = torch.randint(1, vocabulary - 1, (end,))
        ids[row, end] = vocabulary - 1
    return ids


def in_all_places(model: DualEncoder, ids: Tensor) -> Tensor:
    padded = pad(ids, (0, model.context_length - ids.shape[1]))
    vectors: Tensor = normalize(model.encode_text(padded), dim=-1)
    return vectors


def text_that_ends_by_id() -> DualEncoder:
    return small_timm_clip(pool_type="eos", eos_id=VOCABULARY - 1)


MODELS = [small_clip, small_timm_clip, text_that_ends_by_id]


@pytest.mark.parametrize("build", MODELS)
def test_fewer_places_give_the_same_vectors_and_gradients(build: Callable[[], DualEncoder]) -> None:
    model, ids = build().double(), captions()
    target = torch.randn(len(ids), 12, dtype=torch.float64)
    gradients = []
    for encode in (encode_texts, in_all_places):
        model.zero_grad()
        vectors = encode(model, ids)
        (vectors * target).sum().backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
        gradients[-1]["vectors"] = vectors.detach()
    assert gradients[0].keys() == gradients[1].keys()
    for name, short in gradients[0].items():
        torch.testing.assert_close(short, gradients[1][name], rtol=1e-9, atol=1e-12, msg=name)


def test_clips_77_places_and_the_recipes_32_agree() -> None:
    text = CLIPTextCfg(context_length=77, vocab_size=200, width=32, heads=2, layers=2)
    vision = CLIPVisionCfg(image_size=8, patch_size=8, width=16, layers=1, head_width=16)
    model = CLIP(12, vision, text).eval()
    assert usable_length(model, 32) == 32
    ids = captions(32, 200)
    with torch.no_grad():
        torch.testing.assert_close(encode_texts(model, ids), in_all_places(model, ids), rtol=0, atol=1e-6)


def test_adapters_and_checkpointed_blocks_are_cut_too() -> None:
    model, ids = small_timm_clip(), captions()
    for parameter in add_lora(model.text):
        nn.init.normal_(parameter, std=0.1)
    model.text.set_grad_checkpointing(True)
    model.train()
    short = encode_texts(model, ids)
    torch.testing.assert_close(short, in_all_places(model, ids), rtol=0, atol=1e-6)
    short.sum().backward()


def test_the_model_is_left_as_it_was() -> None:
    model = small_clip()
    before = (model.positional_embedding, model.attn_mask)
    encode_texts(model, captions())
    assert model.positional_embedding is before[0] and model.attn_mask is before[1]
    assert isinstance(model.positional_embedding, nn.Parameter)


def test_a_clip_that_answers_with_a_dictionary_is_read_too() -> None:
    model, ids = small_clip(), captions()
    vectors = encode_texts(model, ids)
    model.output_dict = True
    assert torch.equal(encode_texts(model, ids), vectors)


def test_texts_in_all_places_are_the_models_own() -> None:
    model, ids = small_timm_clip(), captions(CONTEXT)
    assert torch.equal(encode_texts(model, ids), model.encode_text(ids, normalize=True))


def test_vectors_of_half_precision_weights_are_unit_vectors_in_float32() -> None:
    vectors = encode_texts(small_timm_clip().to(torch.bfloat16), captions())
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(4), rtol=0, atol=1e-6)


def test_no_more_places_are_used_than_there_are() -> None:
    assert usable_length(small_clip(), 77) == CONTEXT
    assert usable_length(small_clip(), 5) == 5


@pytest.mark.parametrize("text", [{"no_causal_mask": True}, {"pool_type": "last"}, {"embed_cls": True}])
def test_a_tower_that_needs_all_its_places_gets_them(text: dict[str, Any]) -> None:
    model = small_timm_clip(**text)
    assert usable_length(model, 5) == CONTEXT
    with pytest.raises(ValueError, match="have 7 tokens, and this model reads 12"):
        encode_texts(model, captions())


def test_longer_texts_and_texts_of_no_word_are_refused() -> None:
    with pytest.raises(ValueError, match="have 13 tokens, and this model reads 12"):
        encode_texts(small_clip(), captions(CONTEXT + 1))
    with pytest.raises(ValueError, match="a caption of 2 tokens says nothing: ask for 3"):
        usable_length(small_clip(), 2)
