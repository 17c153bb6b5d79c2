"""What the bundled model knows of words that no caption of its training data uses."""

import numpy as np
import pytest

from model.factory import Encoders, load_encoders


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    return load_encoders("tiny")


@pytest.mark.parametrize(
    ("word", "kin", "strangers"),
    [
        ("a koala", "a bear", ("a truck", "a dog", "a mountain", "a soccer player")),
        ("a cello", "a violin", ("a truck", "a dog", "a mountain", "a soccer player")),
        ("an airliner", "an airplane", ("a cat", "a dog", "a sofa", "a soccer player")),
        ("a microwave", "a stove", ("a cat", "a lake", "a horse", "a soccer player")),
        ("a volcano", "a mountain", ("a cat", "a dog", "a sofa", "a soccer player")),
    ],
)
def test_a_word_that_no_caption_uses_stands_near_its_kin(
    encoders: Encoders, word: str, kin: str, strangers: tuple[str, ...]
) -> None:
    own, *others = encoders.text.encode([word, kin, *strangers])
    nearness = np.stack(others) @ own
    assert nearness.argmax() == 0, dict(zip((kin, *strangers), nearness.round(2), strict=True))


def test_it_is_small_and_reduced_by_centerclip(encoders: Encoders) -> None:
    assert encoders.settings.reduction == "centerclip:B2-4,49"
    assert encoders.video.segments_per_clip == 4
    assert encoders.settings.dimension == encoders.text.dimension == 256
