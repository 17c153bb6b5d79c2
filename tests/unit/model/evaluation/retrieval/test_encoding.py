"""Items and captions as vectors: photographs, and videos that are drawn."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import normalize

from model.checkpoint import ModelSource, preprocessing_of
from model.datasets.base import CaptionedItem, Photograph
from model.datasets.photographs import centre_crop, resize
from model.evaluation.retrieval.encoders import RetrievalEncoders, load_retrieval_encoders
from model.evaluation.retrieval.encoding import encode_captions, encode_items
from tests.tiny_checkpoint import write_tiny_checkpoint


@dataclass(frozen=True)
class Noise:
    """A video of random pictures."""

    seed: int
    frames: int = 20

    def render(self, size: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng(self.seed)
        return rng.integers(0, 255, (self.frames, size, size, 3), dtype=np.uint8)


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 70, 3), dtype=np.uint8))


def photograph(seed: int) -> Photograph:
    buffer = io.BytesIO()
    picture(seed).save(buffer, "PNG")
    return Photograph(buffer.getvalue())


def item(name: str, media: Photograph | Noise) -> CaptionedItem:
    return CaptionedItem(name, (f"caption of {name}",), media)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def encoders(checkpoint: Path) -> RetrievalEncoders:
    return load_retrieval_encoders(str(checkpoint), "centerclip:B1-4,2", "cpu")


def test_a_photograph_is_encoded_as_the_picture_it_is(checkpoint: Path, encoders: RetrievalEncoders) -> None:
    model = ModelSource.of_folder(checkpoint).build()
    preprocessing = preprocessing_of(model)
    pixels = resize(centre_crop(picture(3)), preprocessing.image_size)
    with torch.inference_mode():
        tensor = preprocessing.to_tensor(pixels[None, None], torch.device("cpu"), torch.float32)
        expected = normalize(model.encode_image(tensor), dim=-1).numpy()
    found = encode_items([item("a", photograph(3))], encoders, batch=8)
    np.testing.assert_allclose(found.vectors, expected, atol=1e-6)


def test_videos_are_reduced_and_chosen_from_end_to_end(encoders: RetrievalEncoders) -> None:
    whole = Noise(7, frames=24).render(encoders.video.preprocessing.image_size)
    found = encode_items([item("a", Noise(7, frames=24))], encoders, batch=8)
    expected = encoders.video.encode(whole[None, 1::2]).clips  # ⌊(i + ½) · 24 / 12⌋
    np.testing.assert_allclose(found.vectors, expected, atol=1e-6)
    assert encoders.settings.reduction == "centerclip:B1-4,2"


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_vectors_keep_the_order_of_the_items_whatever_the_batch(
    encoders: RetrievalEncoders, batch: int
) -> None:
    items = [
        item("a", Noise(1)),
        item("b", photograph(2)),
        item("c", Noise(3, frames=2)),
        item("d", photograph(4)),
        item("e", Noise(5)),
    ]
    found = encode_items(items, encoders, batch)
    assert found.items == tuple(items)
    alone = np.concatenate([encode_items([one], encoders, 8).vectors for one in items])
    np.testing.assert_allclose(found.vectors, alone, atol=1e-5)


def test_what_cannot_be_read_is_refused_and_the_others_keep_their_places(encoders: RetrievalEncoders) -> None:
    items = [item("a", photograph(1)), item("b", Photograph(b"no picture")), item("c", photograph(2))]
    seen: list[None] = []
    found = encode_items(items, encoders, 8, lambda: seen.append(None))
    assert [one.name for one in found.items] == ["a", "c"]
    assert found.vectors.shape == (2, 16)
    assert [(one.name, one.code) for one in found.refusals] == [("b", "unreadable-photograph")]
    assert len(seen) == 3


def test_every_encoder_computes_in_float32_whatever_is_fastest(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.factory.fast_dtype", lambda _: torch.bfloat16)
    encoders = load_retrieval_encoders(str(checkpoint), "none", "cpu")
    exact = ModelSource.of_folder(checkpoint).build().visual.state_dict()
    for encoder in (encoders.video, encoders.picture):
        for name, weight in encoder.tower.tower.state_dict().items():
            torch.testing.assert_close(weight, exact[name], rtol=0, atol=0)
    assert encoders.text.logit_scale == pytest.approx(1 / 0.07, rel=1e-2)


def test_captions_belong_to_their_items_and_those_cut_are_counted(encoders: RetrievalEncoders) -> None:
    items = [
        CaptionedItem("a", ("a dog", "a dog on a lawn"), Noise(1)),
        CaptionedItem("b", ("one word after another " * 10,), Noise(2)),
    ]
    found = encode_captions(items, encoders.text)
    assert found.owners.tolist() == [0, 0, 1]
    assert (found.vectors.shape, found.cut) == ((3, 16), 1)
