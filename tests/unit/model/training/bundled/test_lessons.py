"""What a step of training is made of."""

import numpy as np
import pytest
import torch

from model.datasets.photographs import CaptionedPhotograph
from model.training.bundled.lessons import Captioned, Lessons, Sizes, shorten
from tests.bundled_towers import COLOURS, VIEWS, colours, lessons_of

SIZES = Sizes(captioned=8, labelled=4, likely_classes=3, random_classes=5, concepts=6)


@pytest.fixture(scope="module")
def lessons() -> Lessons:
    return lessons_of(colours())


def test_sentences_stand_in_the_order_of_pairs_classes_and_concepts(lessons: Lessons) -> None:
    lesson = lessons.draw(SIZES, np.random.default_rng(0))
    pairs, classes = lesson.class_shares.shape
    assert pairs == len(lesson.maps) == len(lesson.pooled) == 12
    assert len(lesson.sentences) == pairs + classes + 6 and len(lesson.concept_vectors) == 6
    assert all("wall" in sentence for sentence in lesson.sentences[:pairs])
    assert all("thing" in sentence for sentence in lesson.sentences[pairs : pairs + classes])
    assert not any("thing" in sentence or "wall" in sentence for sentence in lesson.sentences[-6:])


def test_each_caption_comes_with_a_view_of_its_own_photograph(lessons: Lessons) -> None:
    lesson = lessons.draw(SIZES, np.random.default_rng(1))
    for row, sentence in enumerate(lesson.sentences[:8]):
        photograph = COLOURS.index(sentence.split()[1])
        of_photograph = lessons.captioned.views.pooled[photograph * VIEWS]
        np.testing.assert_array_equal(lesson.pooled[row], of_photograph.astype(np.float32))


def test_pairs_with_the_same_captions_are_true_of_one_another() -> None:
    same = [CaptionedPhotograph(name, b"", ("a dog runs",)) for name in COLOURS]
    views = colours().views
    lesson = lessons_of(Captioned.of(views, same)).draw(SIZES, np.random.default_rng(2))
    assert lesson.identities[:8].unique().numel() == 1
    assert lesson.sets == (8, 4)


def test_the_shares_of_the_asked_classes_are_the_teacher_s(lessons: Lessons) -> None:
    lesson = lessons.draw(SIZES, np.random.default_rng(3))
    torch.testing.assert_close(lesson.class_shares.sum(1), torch.ones(12))
    assert 5 <= lesson.class_shares.shape[1] <= 8


def test_the_same_seed_draws_the_same_lesson(lessons: Lessons) -> None:
    first, second = (lessons.draw(SIZES, np.random.default_rng(4)) for _ in range(2))
    assert first.sentences == second.sentences
    assert torch.equal(first.maps, second.maps)


def test_captions_are_told_whole_or_in_part_and_short_ones_always_whole() -> None:
    generator = np.random.default_rng(5)
    caption = "two dogs run over a wide green lawn"
    told = {shorten(caption, generator) for _ in range(200)}
    assert caption in told
    assert any(len(part.split()) <= 2 and part in caption for part in told)
    assert any(4 < len(part.split()) < 8 and part not in caption for part in told)
    assert all(told)
    assert {shorten("a red wall", generator) for _ in range(20)} == {"a red wall"}
