"""Encoders by name, and the fingerprint that keeps vectors of two settings apart."""

import dataclasses

import pytest
import torch

from model.factory import EncoderSettings, choose_device, reducer_for
from model.preprocessing import Preprocessing
from tests.small_towers import small_tower

SETTINGS = EncoderSettings(
    preset="tiny",
    architecture="ViT-B-32",
    weights_sha256="0" * 64,
    preprocessing=Preprocessing(112, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "shortest"),
    frames_per_clip=12,
    reduction="centerclip:B4-4,49",
    dimension=256,
)


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": "ViT-B-32-quickgelu"},
        {"weights_sha256": "1" * 64},
        {"preprocessing": dataclasses.replace(SETTINGS.preprocessing, resize_mode="squash")},
        {"frames_per_clip": 8},
        {"reduction": "none"},
        {"dimension": 512},
    ],
)
def test_whatever_changes_a_vector_changes_the_fingerprint(change: dict[str, object]) -> None:
    assert dataclasses.replace(SETTINGS, **change).fingerprint != SETTINGS.fingerprint  # type: ignore[arg-type]


def test_another_name_for_the_same_encoder_is_the_same_generation() -> None:
    assert dataclasses.replace(SETTINGS, preset="my-copy").fingerprint == SETTINGS.fingerprint


def test_a_reduction_that_draws_anew_each_time_gives_no_vectors_to_search_by() -> None:
    tower = small_tower()
    with pytest.raises(ValueError, match=r"^sparse:B3-4,9/random draws anew.* as with sparse:B3-4,9$"):
        reducer_for(tower, "sparse:B3-4,9/random")
    assert reducer_for(tower, "sparse:B3-4,9").name == "sparse:B3-4,9"


def test_a_device_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="'abacus'"):
        choose_device("abacus")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused_with_what_to_name_instead() -> None:
    with pytest.raises(ValueError, match="name cpu or auto"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"


def test_libraries_made_before_there_were_clip_positions_keep_their_fingerprint() -> None:
    assert SETTINGS.fingerprint == "56a283f37c3684976999bab1474ddbcc69f07607c0a3b0e91de3b48d1385923f"


def test_clip_positions_change_the_fingerprint() -> None:
    prints = {
        dataclasses.replace(SETTINGS, positions_sha256=digest).fingerprint for digest in (None, "0", "1")
    }
    assert len(prints) == 3


def test_a_reduction_is_fitted_to_as_many_frames_as_the_clips_have() -> None:
    assert reducer_for(small_tower(), "tempme", 8).name == "tempme:2-2-2/2/0.7/0.9"
    with pytest.raises(ValueError, match="there are 8"):
        reducer_for(small_tower(), "tempme:2-2-3/0/0.7/0.9", 8)
