"""Clips made of captioned photographs."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model.datasets.base import CaptionedItem, DatasetError, Photograph, VideoFile
from model.datasets.pans import FRAMES, MOST_PHOTOGRAPHS, Pan, make_pans, read_pans, tell_in_order
from tests.dataset_folder import put_archive

SIZE = 32
COLOURS = ((220, 30, 30), (30, 220, 30), (30, 30, 220))


def encode(pixels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def plain(colour: tuple[int, int, int]) -> bytes:
    return encode(np.full((40, 60, 3), colour, np.uint8))


def textured(seed: int, height: int = 40, width: int = 60) -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return encode(np.asarray(smooth))


def photograph(number: int) -> CaptionedItem:
    captions = (f"thing {number} stands .", f"A thing numbered {number}.")
    return CaptionedItem(f"photo{number}", captions, Photograph(textured(number)))


def write_split(path: Path, numbers: range) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    members = {}
    for number in numbers:
        item = photograph(number)
        members[f"{item.name}.webp"] = textured(number)
        members[f"{item.name}.json"] = json.dumps({"captions": item.captions}).encode()
    put_archive(path, members)


def write_splits(root: Path) -> None:
    for split, numbers in (("train", range(20)), ("val", range(20, 30)), ("test", range(30, 40))):
        write_split(root / "flickr8k" / f"{split}.tar", numbers)


def test_the_same_seed_gives_the_same_frames_and_another_gives_others() -> None:
    pan = Pan((textured(1), textured(2)), seed=5)
    frames = pan.render(SIZE)
    assert frames.shape == (FRAMES, SIZE, SIZE, 3)
    assert frames.dtype == np.uint8
    assert np.array_equal(frames, Pan((textured(1), textured(2)), seed=5).render(SIZE))
    assert not np.array_equal(frames, Pan((textured(1), textured(2)), seed=6).render(SIZE))


@pytest.mark.parametrize("shots", [1, 2, 3])
def test_a_clip_shows_its_photographs_in_order_with_hard_cuts(shots: int) -> None:
    for seed in range(20):
        frames = Pan(tuple(map(plain, COLOURS[:shots])), seed).render(SIZE)
        shown = frames.mean((1, 2)).argmax(1)  # (F,): the strongest of red, green and blue
        assert shown.tolist() == sorted(shown)
        assert set(shown) == set(range(shots))
        assert min(np.bincount(shown)) >= FRAMES // (2 * shots)
        assert np.ptp(frames, axis=(1, 2)).max() == 0  # no frame is a blend of two


@pytest.mark.parametrize(("height", "width"), [(40, 60), (60, 40), (33, 33), (32, 200)])
def test_the_camera_moves_slowly_and_stays_inside_the_photograph(height: int, width: int) -> None:
    columns = np.linspace(20, 200, width).round().astype(np.uint8)
    pixels = np.repeat(np.tile(columns, (height, 1))[..., None], 3, axis=2)
    for seed in range(20):
        frames = Pan((encode(pixels),), seed).render(SIZE).astype(float)
        assert frames.min() > 10  # nothing beyond the edges, which would be black
        moved = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
        assert moved.max() < 10
        assert np.abs(frames[0] - frames[-1]).mean() > 0


def test_every_photograph_is_in_exactly_one_clip() -> None:
    photographs = [photograph(number) for number in range(50)]
    pans = make_pans(photographs)
    used = [name for pan in pans for name in pan.name.split("+")]
    assert sorted(used) == sorted(item.name for item in photographs)
    assert {len(pan.name.split("+")) for pan in pans} == set(range(1, MOST_PHOTOGRAPHS + 1))
    assert make_pans(photographs) == pans
    assert make_pans(photographs, seed=1) != pans


def test_a_clip_is_captioned_by_its_photographs_in_the_order_they_are_shown() -> None:
    pan = next(pan for pan in make_pans([photograph(n) for n in range(50)]) if pan.name.count("+") == 1)
    first, second = (name.removeprefix("photo") for name in pan.name.split("+"))
    assert pan.captions == (
        f"Thing {first} stands. Then thing {second} stands.",
        f"A thing numbered {first}. Then a thing numbered {second}.",
    )
    assert isinstance(pan.media, Pan)
    assert pan.media.photographs == (textured(int(first)), textured(int(second)))


@pytest.mark.parametrize(
    ("captions", "told"),
    [
        (["A dog runs .", "A boy jumps ."], "A dog runs. Then a boy jumps."),
        (["a dog runs"], "A dog runs."),
        ([" A dog runs. ", "two boys!", "Snow"], "A dog runs. Then two boys! Then snow."),
    ],
)
def test_captions_become_sentences_one_after_the_other(captions: list[str], told: str) -> None:
    assert tell_in_order(captions) == told


def test_photographs_with_unequal_numbers_of_captions_lose_none() -> None:
    few = CaptionedItem("few", ("One.",), Photograph(textured(1)))
    many = CaptionedItem("many", ("First.", "Second.", "Third."), Photograph(textured(2)))
    told = " ".join(caption for pan in make_pans([few, many]) for caption in pan.captions).lower()
    assert all(word in told for word in ("one", "first", "second", "third"))


def test_no_photograph_is_in_two_splits(tmp_path: Path) -> None:
    write_splits(tmp_path)
    names = [
        {name for item in read_pans(tmp_path, split).items for name in item.name.split("+")}
        for split in ("train", "validation", "test")
    ]
    assert [len(one) for one in names] == [20, 10, 10]
    assert len(set.union(*names)) == 40


def test_a_folder_without_the_photographs_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"train\.tar"):
        read_pans(tmp_path, "train")


def test_only_photographs_become_pans(tmp_path: Path) -> None:
    film = CaptionedItem("film", ("A film.",), VideoFile(tmp_path / "film.mp4"))
    with pytest.raises(ValueError, match="'film' is no photograph but VideoFile"):
        make_pans([film])
