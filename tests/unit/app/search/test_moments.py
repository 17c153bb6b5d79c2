"""The best moment of a clip."""

import numpy as np

from app.search.moments import best_at
from indexer.catalog import vector_codec
from indexer.catalog.tables import Embedding
from tests.factories import make_clip, make_video
from tests.fakes import unit_vector


def segments_of(*words: str) -> list[Embedding]:
    packed = vector_codec.pack(np.stack([unit_vector(text) for text in words]))
    return [
        Embedding(ordinal=number, start_s=10.0 + 2 * number, end_s=12.0 + 2 * number, vector=vector)
        for number, vector in enumerate(packed)
    ]


CLIP = make_clip(make_video(), start_s=10.0, end_s=16.0)


def test_it_is_the_middle_of_the_nearest_segment() -> None:
    assert best_at(unit_vector("a cat"), CLIP, segments_of("a dog", "a bird", "a cat")) == 15.0
    assert best_at(unit_vector("a cat"), CLIP, segments_of("a cat", "a bird", "a dog")) == 11.0


def test_the_first_of_equally_near_segments_wins() -> None:
    assert best_at(unit_vector("a cat"), CLIP, segments_of("a dog", "a cat", "a cat")) == 13.0


def test_a_clip_without_segments_is_best_in_its_middle() -> None:
    assert best_at(unit_vector("a cat"), CLIP, []) == 13.0
