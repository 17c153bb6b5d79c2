"""Text towers taken apart: the same vectors, from no more tokens than can change them."""

from typing import Any

import open_clip
import pytest
import torch
from open_clip.coca_model import CoCa
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from model.text_runtime.text_tower import TextTower, take_apart
from tests.text_towers import CAUSAL, VOCABULARY, WHOLE, ids_of_lengths, random_tower


def opened(model: Any, ids: Tensor) -> TextTower:
    tower = take_apart(model, ids)
    assert tower is not None
    return tower


def count_tokens(model: Any) -> list[int]:
    """Return a list that gets the number of tokens of each run."""
    seen: list[int] = []
    transformer = getattr(model, "text", model).transformer
    transformer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    return seen


@pytest.mark.parametrize("name", [*CAUSAL, *WHOLE])
def test_vectors_are_those_of_the_model_alone_and_in_a_batch(name: str) -> None:
    model = random_tower(name)
    ids = ids_of_lengths(model, [2, 3, 9, 17, model.context_length])
    tower = opened(model, ids[:1])
    with torch.inference_mode():
        own = model.encode_text(ids)
        alone = torch.cat([tower(row[None]) for row in ids])
        assert cosine_similarity(tower(ids), own).min() > 0.99999
        assert cosine_similarity(alone, own).min() > 0.99999


@pytest.mark.parametrize("name", CAUSAL)
def test_causal_towers_look_at_no_token_behind_the_longest_text(name: str) -> None:
    model = random_tower(name)
    ids = ids_of_lengths(model, [4, 11])
    tower = opened(model, ids)
    seen = count_tokens(model)
    with torch.inference_mode():
        tower(ids), tower(ids[:1])
    assert seen == [11, 4]


@pytest.mark.parametrize("name", WHOLE)
def test_towers_in_which_later_tokens_count_are_never_cut(name: str) -> None:
    model = random_tower(name)
    ids = ids_of_lengths(model, [4, 11])
    tower = opened(model, ids)
    seen = count_tokens(model)
    with torch.inference_mode():
        tower(ids)
        later = ids.clone()
        later[:, 12:] = 5
        assert not torch.allclose(tower(ids), tower(later), atol=1e-4)
    assert seen == [model.context_length] * 3


def test_what_is_causal_is_told_by_the_mask_and_not_by_the_name() -> None:
    model = random_tower("ViT-B-32")
    ids = ids_of_lengths(model, [4, 11])
    mask = torch.zeros_like(model.attn_mask)
    mask[:, 60:] = float("-inf")
    model.attn_mask = mask
    assert take_apart(model, ids) is None
    model.attn_mask = None
    assert opened(model, ids).length(torch.tensor([3])) == model.context_length


class OwnWay(open_clip.CLIP):  # type: ignore[misc] # open_clip has no types
    """Computes something else."""

    def encode_text(self, text: Tensor, normalize: bool = False) -> Tensor:
        """Return the mean of the words."""
        vectors: Tensor = self.token_embedding(text).mean(1)
        return vectors


class Backwards(nn.Module):
    """A block in which a token sees the one behind it."""

    def get_weight_dtype(self) -> torch.dtype:
        return torch.float32

    def forward(self, tokens: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        return tokens + tokens.roll(-1, 1)


def test_models_that_compute_otherwise_are_left_alone() -> None:
    model = random_tower("ViT-B-32")
    ids = ids_of_lengths(model, [4, 11])
    model.transformer.resblocks[1] = Backwards()
    assert take_apart(model, ids) is None
    small = {"image_size": 16, "patch_size": 8, "width": 32, "layers": 1, "head_width": 16}
    text = {"width": 32, "heads": 2, "layers": 1, "vocab_size": VOCABULARY}
    assert take_apart(OwnWay(16, small, text).eval(), ids) is None
    assert take_apart(CoCa(16, {**text, "mlp_ratio": 4}, text, small).eval(), ids) is None


def test_a_tower_that_says_something_else_than_the_model_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_tower("ViT-B-32")
    ids = ids_of_lengths(model, [4, 11])
    whole = model.encode_text
    monkeypatch.setattr(model, "encode_text", lambda ids: whole(ids) + 1)
    assert take_apart(model, ids) is None
