"""What the bundled model knows of words that no caption of its training data uses."""

import pytest

from model.factory import Encoders, load_encoders

KIN = {
    "an airliner": "an airplane",
    "broccoli": "a vegetable",
    "a cello": "a violin",
    "a gorilla": "a monkey",
    "a hedgehog": "a mouse",
    "a jellyfish": "a fish",
    "a koala": "a bear",
    "a microwave": "a stove",
    "an oven": "a stove",
    "a penguin": "a bird",
    "a submarine": "a ship",
    "a teapot": "a cup",
    "a volcano": "a mountain",
    "a wardrobe": "a closet",
}
"""Words that no caption uses, and what they are most like."""

STRANGERS = ("a truck", "a dog", "a soccer player", "a beach")


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    return load_encoders("tiny")


def test_words_that_no_caption_uses_stand_near_their_kin(encoders: Encoders) -> None:
    unused, kin, strangers = (encoders.text.encode(list(words)) for words in (KIN, KIN.values(), STRANGERS))
    nearer = (unused * kin).sum(1) > (unused @ strangers.T).max(1)
    lost = [word for word, is_nearer in zip(KIN, nearer, strict=True) if not is_nearer]
    assert len(lost) <= 1, lost


def test_it_is_small_and_reduced_by_centerclip(encoders: Encoders) -> None:
    assert encoders.settings.reduction == "centerclip:B2-4,49"
    assert encoders.video.segments_per_clip == 4
    assert encoders.settings.dimension == encoders.text.dimension == 256
