"""Losses of the dual encoder."""

import torch
from torch.nn.functional import cross_entropy, normalize

from model.training.bundled.losses import (
    class_name_loss,
    contrastive_loss,
    contrastive_loss_within,
    cosine_loss,
)


def unit_vectors(count: int, seed: int) -> torch.Tensor:
    return normalize(torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_with_distinct_pairs_it_is_the_symmetric_cross_entropy_of_clip() -> None:
    images, texts = unit_vectors(5, 0), unit_vectors(5, 1)
    logits = 10.0 * images @ texts.T
    expected = (cross_entropy(logits, torch.arange(5)) + cross_entropy(logits.T, torch.arange(5))) / 2
    torch.testing.assert_close(contrastive_loss(images, texts, 10.0, torch.arange(5)), expected)


def test_captions_of_one_identity_may_change_places() -> None:
    images, texts = unit_vectors(2, 0), unit_vectors(2, 1)
    same, distinct = torch.tensor([7, 7]), torch.tensor([0, 1])
    straight, swapped = (contrastive_loss(images, order, 10.0, same) for order in (texts, texts.flip(0)))
    torch.testing.assert_close(straight, swapped)
    assert contrastive_loss(images, texts, 10.0, distinct) != contrastive_loss(
        images, texts.flip(0), 10.0, distinct
    )


def test_pairs_are_not_contrasted_with_those_of_another_set() -> None:
    images, texts, identities = unit_vectors(5, 0), unit_vectors(5, 1), torch.arange(5)
    first, second = (
        contrastive_loss(images[rows], texts[rows], 10.0, identities[rows])
        for rows in (slice(3), slice(3, 5))
    )
    together = contrastive_loss_within((3, 2), images, texts, 10.0, identities)
    torch.testing.assert_close(together, (3 * first + 2 * second) / 5)


def test_cosine_loss_is_zero_only_for_parallel_vectors() -> None:
    vectors = unit_vectors(4, 0)
    assert cosine_loss(vectors, 3 * vectors).abs() < 1e-6
    torch.testing.assert_close(cosine_loss(vectors, -vectors), torch.tensor(2.0))


def test_class_names_cost_nothing_where_the_cosines_say_what_the_teacher_says() -> None:
    images, names = unit_vectors(4, 0), unit_vectors(3, 1)
    agreed = (5.0 * images @ names.T).softmax(1)
    assert class_name_loss(images, names, 5.0, agreed).abs() < 1e-6
    assert class_name_loss(images, names, 5.0, agreed.roll(1, 0)) > 0.01
