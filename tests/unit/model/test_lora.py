"""Adapters on the QKV projections: what they add, what they leave alone, and how they vanish."""

from collections.abc import Callable, Iterable

import pytest
import timm
import torch
from open_clip import CLIP
from open_clip.model import CLIPTextCfg, CLIPVisionCfg
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from model.lora import LowRankAttention, LowRankLinear, add_lora, merge_lora
from model.token_reduction.tempme import ClipPositions


def small_clip() -> CLIP:
    vision = CLIPVisionCfg(image_size=32, patch_size=8, width=32, layers=2, head_width=16)
    text = CLIPTextCfg(context_length=8, vocab_size=50, width=24, heads=2, layers=3)
    return CLIP(8, vision, text).eval()


def small_timm_tower() -> nn.Module:
    return timm.models.vision_transformer.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2, num_classes=8
    ).eval()


def picture() -> Tensor:
    return torch.randn(3, 3, 32, 32)


def texts() -> Tensor:
    return torch.randint(1, 50, (3, 8))


def open_up(parameters: list[nn.Parameter]) -> None:
    """Give B other values than zero, as training would."""
    for parameter in parameters:
        nn.init.normal_(parameter, std=0.1)


def outputs(model: CLIP, pictures: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        return model.encode_image(pictures), model.encode_text(words)


def count_numbers(parameters: Iterable[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)


def test_the_paper_trains_507_648_numbers_with_the_positions_of_twelve_frames() -> None:
    with torch.device("meta"):
        clip = CLIP(512, CLIPVisionCfg(layers=12, width=768, patch_size=32), CLIPTextCfg())
        positions = ClipPositions(768, (2, 2, 3), 12)
    visual, text = add_lora(clip.visual), add_lora(clip.transformer)
    assert count_numbers(visual) == 294_912
    assert count_numbers(text) == 196_608
    assert count_numbers([*visual, *text, *positions.parameters()]) == 507_648


def test_a_fresh_adapter_changes_no_bit_of_a_vector() -> None:
    clip, pictures, words = small_clip(), picture(), texts()
    image, text = clip.encode_image(pictures), clip.encode_text(words)
    add_lora(clip)
    assert torch.equal(clip.encode_image(pictures), image)
    assert torch.equal(clip.encode_text(words), text)


def test_a_fresh_adapter_leaves_the_projection_bit_for_bit() -> None:
    plain, values = nn.MultiheadAttention(32, 2, batch_first=True), torch.randn(3, 5, 32)
    projected = torch.nn.functional.linear(values, plain.in_proj_weight, plain.in_proj_bias)
    assert torch.equal(LowRankAttention(plain, 4).project(values), projected)
    layer = nn.Linear(32, 96)
    assert torch.equal(LowRankLinear(layer, 4)(values), layer(values))


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("mask", [None, torch.full((5, 5), float("-inf")).triu(1)])
def test_an_adapted_attention_is_that_of_the_summed_weight(batch_first: bool, mask: Tensor | None) -> None:
    plain = nn.MultiheadAttention(32, 2, batch_first=batch_first)
    adapted = LowRankAttention(plain, 4)
    open_up(list(adapted.adapter.parameters()))
    summed = nn.MultiheadAttention(32, 2, batch_first=batch_first)
    summed.load_state_dict(plain.state_dict())
    update: Tensor = adapted.adapter.up @ adapted.adapter.down
    with torch.no_grad():
        summed.in_proj_weight.add_(update)
    values = torch.randn(3, 5, 32) if batch_first else torch.randn(5, 3, 32)
    expected, _ = summed(values, values, values, need_weights=False, attn_mask=mask)
    seen, weights = adapted(values, values, values, need_weights=False, attn_mask=mask)
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-5)
    assert weights is None


def test_attention_to_something_else_is_refused() -> None:
    adapted, values = LowRankAttention(nn.MultiheadAttention(32, 2), 4), torch.randn(5, 3, 32)
    with pytest.raises(ValueError, match="one tensor as query, key and value"):
        adapted(values, values + 1, values, need_weights=False)
    with pytest.raises(ValueError, match="need_weights=False"):
        adapted(values, values, values)


@pytest.mark.parametrize("batch_first", [True, False])
def test_merged_adapters_give_the_same_vectors_from_plain_modules(batch_first: bool) -> None:
    clip, pictures, words = small_clip(), picture(), texts()
    for module in clip.modules():
        if hasattr(module, "batch_first"):
            module.batch_first = batch_first
    before = outputs(clip, pictures, words)
    open_up(add_lora(clip))
    adapted = outputs(clip, pictures, words)
    merge_lora(clip)
    merged = outputs(clip, pictures, words)
    torch.testing.assert_close(merged, adapted, rtol=0, atol=1e-5)
    assert (merged[0] - before[0]).abs().max() > 1e-2
    assert {type(module) for module in clip.modules()} == {type(module) for module in small_clip().modules()}
    assert set(clip.state_dict()) == set(small_clip().state_dict())
    assert not clip.training and not any(module.training for module in clip.modules())


def test_a_timm_tower_is_adapted_and_merged_too() -> None:
    tower, pictures = small_timm_tower(), picture()
    with torch.no_grad():
        before = tower(pictures)
        trained = add_lora(tower, rank=4)
        assert torch.equal(tower(pictures), before)
        assert len(trained) == 4 and count_numbers(trained) == 2 * 4 * 4 * 32
        open_up(trained)
        adapted = tower(pictures)
        merge_lora(tower)
        torch.testing.assert_close(tower(pictures), adapted, rtol=0, atol=1e-5)
    assert (adapted - before).abs().max() > 1e-2
    assert not any(isinstance(module, LowRankLinear) for module in tower.modules())


@pytest.mark.parametrize("build", [lambda: small_clip().visual, small_timm_tower])
def test_gradients_reach_the_adapters_and_nothing_else(build: Callable[[], nn.Module]) -> None:
    tower = build()
    trained = add_lora(tower)
    tower(picture()).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in trained if not p.any())  # B
    assert all(p.grad is None or not p.grad.any() for p in trained if p.any())  # A, behind a B of zeros
    open_up(trained)
    tower(picture()).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in trained)
    others = [p for p in tower.parameters() if all(p is not ours for ours in trained)]
    assert others and all(p.grad is None and not p.requires_grad for p in others)


def test_some_steps_of_training_bring_pictures_to_their_texts() -> None:
    clip, pictures, words = small_clip(), picture(), texts()
    optimizer = torch.optim.AdamW(add_lora(clip), lr=5e-3)
    losses = []
    for _ in range(15):
        images = clip.encode_image(pictures, normalize=True)
        logits = 10 * images @ clip.encode_text(words, normalize=True).T
        loss = nn.functional.cross_entropy(logits, torch.arange(3))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_trained_adapters_are_saved_and_loaded() -> None:
    clip, pictures, words = small_clip(), picture(), texts()
    open_up(add_lora(clip))
    other = small_clip()
    add_lora(other)
    other.load_state_dict(clip.state_dict())
    for ours, theirs in zip(outputs(clip, pictures, words), outputs(other, pictures, words), strict=True):
        assert torch.equal(ours, theirs)


def test_a_second_set_of_adapters_is_refused() -> None:
    clip = small_clip()
    add_lora(clip)
    with pytest.raises(ValueError, match="merge them with merge_lora"):
        add_lora(clip)
    merge_lora(clip)
    assert add_lora(clip)


def test_a_rank_that_trains_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="rank 0 train nothing: ask for 1 or more"):
        add_lora(nn.Linear(2, 2), rank=0)


def test_a_model_without_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="no block of this Linear"):
        add_lora(nn.Linear(3, 3))


def test_a_block_with_biases_apart_is_refused() -> None:
    tower = timm.models.eva.Eva(img_size=32, patch_size=8, embed_dim=32, depth=1, num_heads=2)
    with pytest.raises(ValueError, match="biases"):
        add_lora(tower)


def test_weights_of_bfloat16_keep_their_type() -> None:
    tower = small_clip().visual.to(torch.bfloat16)
    assert isinstance(tower, VisionTransformer)
    trained = add_lora(tower)
    assert {parameter.dtype for parameter in trained} == {torch.bfloat16}
    open_up(trained)
    merge_lora(tower)
    assert tower(picture().to(torch.bfloat16)).dtype == torch.bfloat16
