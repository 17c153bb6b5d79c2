"""Examples of a real catalog, aimed at."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.errors import InvalidSearch, UnknownClip, UnknownVideo
from app.request_error import RequestError
from app.search.asking.query import Example, IndexedClip, Picture, Span, Term, Words
from app.search.asking.query_words import read_terms
from app.search.asking.target import ALPHA, BETA, GAMMA, Target, aim, compose
from indexer.catalog.tables import Video
from tests.fakes import unit_vector
from tests.service import Service, open_service

STORED = 2e-3  # how far from what it was a vector lies that was kept in half precision


def aim_at(service: Service, *examples: Example) -> Target:
    return aim(service.services, [Term(example) for example in examples])


def mean(*words: str) -> NDArray[np.float32]:
    total = np.sum([unit_vector(text) for text in words], axis=0)
    unit: NDArray[np.float32] = total / np.linalg.norm(total)
    return unit


@pytest.fixture
def video(service: Service) -> Video:
    """Return a video of clips at 0, 4, 8 and 12 seconds, in a library large enough to know spreads."""
    service.add_video([f"thing {number}" for number in range(30)])
    return service.add_video(["a dog", "a cat", "a bird", "a fish"])


def background(service: Service) -> NDArray[np.float32]:
    with service.services.follower.reading() as view:
        return view.sample(4096)[1]


def test_one_description_is_its_own_vector_and_can_be_calibrated(service: Service) -> None:
    target = aim(service.services, read_terms("a dog"))
    np.testing.assert_array_equal(target.vector, unit_vector("a dog"))
    assert target == Target(target.vector, is_words=True, said="a dog")


def test_quotes_are_for_words_said_alone(service: Service) -> None:
    target = aim(service.services, read_terms('say "good morning"'))
    np.testing.assert_array_equal(target.vector, unit_vector("say good morning"))
    assert target.said == 'say "good morning"'


@pytest.mark.usefixtures("video")
def test_unwanted_words_are_left_out_of_both_rankings(service: Service) -> None:
    target = aim(service.services, read_terms("a dog -people -night"))
    assert (target.said, target.excluded, target.is_words) == ("a dog", ("people", "night"), False)
    wanted = [(1.0, unit_vector("a dog")), (-0.5, unit_vector("people")), (-0.5, unit_vector("night"))]
    np.testing.assert_allclose(target.vector, compose(wanted, background(service)), atol=1e-5)


def test_a_clip_is_its_stored_vector_and_not_its_own_answer(service: Service, video: Video) -> None:
    clip = service.clips_of(video)[1]
    target = aim_at(service, IndexedClip(clip.id))
    np.testing.assert_allclose(target.vector, unit_vector("a cat"), atol=STORED)
    assert (target.own_ids, target.said, target.is_words) == ((clip.id,), "", False)


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected", "places"),
    [
        (None, None, mean("a dog", "a cat", "a bird", "a fish"), [0, 1, 2, 3]),
        (4.0, 12.0, mean("a cat", "a bird"), [1, 2]),
        (8.0, None, mean("a bird", "a fish"), [2, 3]),
        (None, 4.0, mean("a dog"), [0]),
        (5.0, 6.0, mean("a cat, part 1"), [1]),  # the second of the clip's segments, of a second each
        (6.2, 6.4, mean("a cat"), [1]),  # inside the third
        (7.0, 12.0, mean("a cat, part 2", *["a bird"] * 4), [1, 2]),  # a second of one, four of the other
    ],
)
def test_a_span_is_the_mean_of_what_lies_in_it(
    service: Service,
    video: Video,
    start_s: float | None,
    end_s: float | None,
    expected: NDArray[np.float32],
    places: list[int],
) -> None:
    target = aim_at(service, Span(video.id, start_s, end_s))
    np.testing.assert_allclose(target.vector, expected, atol=STORED)
    assert target.own_ids == tuple(service.clips_of(video)[place].id for place in places)


def test_words_change_a_clip_by_what_they_say(service: Service, video: Video) -> None:
    """A "cat, at night" is nearer to the night than the cat is, and still nearer to the cat than not."""
    clip = IndexedClip(service.clips_of(video)[1].id)
    target = aim_at(service, clip, Words("at night"))
    assert target.vector @ unit_vector("at night") > unit_vector("a cat") @ unit_vector("at night")
    assert target.vector @ unit_vector("a cat") > 0.5
    assert (target.said, target.is_words) == ("at night", False)


def test_a_picture_is_what_the_video_encoder_makes_of_it(service: Service) -> None:
    file = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(file, "PNG")
    target = aim_at(service, Picture(file.getvalue()))
    np.testing.assert_array_equal(target.vector, service.services.pictures.encode(file.getvalue()))


def test_judged_clips_move_the_query_as_rocchio_says(service: Service, video: Video) -> None:
    dog, cat, bird, _ = (clip.id for clip in service.clips_of(video))
    target = aim(service.services, read_terms("a pet"), relevant=(dog, cat), irrelevant=(bird,))
    parts = [(ALPHA, unit_vector("a pet")), (BETA, mean("a dog", "a cat")), (-GAMMA, unit_vector("a bird"))]
    np.testing.assert_allclose(target.vector, compose(parts, background(service)), atol=STORED)
    assert target.own_ids == (bird,)  # what is right may be found again, what is wrong may not
    assert not target.is_words


def test_relevant_clips_are_enough(service: Service, video: Video) -> None:
    dog, cat, *_ = (clip.id for clip in service.clips_of(video))
    target = aim(service.services, [], relevant=(dog, cat))
    np.testing.assert_allclose(target.vector, mean("a dog", "a cat"), atol=STORED)


@pytest.mark.parametrize(
    ("example", "kind", "parameter"),
    [
        (IndexedClip("f" * 32), UnknownClip, "like_clip"),
        (Span("f" * 32), UnknownVideo, "like_video"),
        (Picture(b"no image"), InvalidSearch, "image"),
    ],
)
def test_an_example_that_is_not_there_is_named(
    service: Service, example: Example, kind: type[RequestError], parameter: str
) -> None:
    with pytest.raises(kind) as caught:
        aim_at(service, example)
    assert caught.value.parameter == parameter


def test_a_judged_clip_that_was_deleted_is_named(service: Service, video: Video) -> None:
    clip_id = service.clips_of(video)[0].id
    service.client.delete(f"/videos/{video.id}")
    for judged in ({"relevant": [clip_id]}, {"irrelevant": [clip_id]}):
        with pytest.raises(UnknownClip, match=clip_id) as caught:
            aim(service.services, read_terms("a dog"), **judged)
        assert caught.value.parameter == next(iter(judged))


def test_a_span_behind_the_end_tells_how_long_the_video_is(service: Service, video: Video) -> None:
    with pytest.raises(InvalidSearch, match=r"lasts 16\.000 s") as caught:
        aim_at(service, Span(video.id, 16.0, 20.0))
    assert caught.value.parameter == "like_start"


def test_a_video_without_vectors_of_this_model_is_named(service: Service) -> None:
    video = service.add_video([], state="pending")
    with pytest.raises(InvalidSearch, match="index its video again") as caught:
        aim_at(service, Span(video.id))
    assert caught.value.parameter == "like_video"


def test_a_library_without_a_clip_can_be_asked_for_more_than_one_thing(tmp_path: Path) -> None:
    with open_service(tmp_path) as service:
        assert np.isfinite(aim(service.services, read_terms("a dog -people")).vector).all()
