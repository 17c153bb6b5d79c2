"""Checkpoints, written and read in open_clip's own format."""

import json
from pathlib import Path

import pytest
import torch

from model.checkpoint import CONFIGURATION_FILE, ModelSource, hash_weights, preprocessing_of, save_checkpoint
from tests.tiny_checkpoint import CONFIGURATION, CONTEXT, IMAGE_SIZE

SQUASHED = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "resize_mode": "squash"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / CONFIGURATION_FILE).write_text(json.dumps(CONFIGURATION | {"preprocess_cfg": SQUASHED}))
    return tmp_path


def test_a_saved_model_comes_back_with_its_weights_in_half_precision(folder: Path) -> None:
    model = ModelSource.of_folder(folder).build(is_trained=False)
    save_checkpoint(model, folder)
    restored = ModelSource.of_folder(folder).build()
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(restored.state_dict()[name], tensor.half().float(), rtol=0, atol=0)


def test_preprocessing_is_read_from_the_checkpoint(folder: Path) -> None:
    preprocessing = preprocessing_of(ModelSource.of_folder(folder).build(is_trained=False))
    assert (preprocessing.image_size, preprocessing.resize_mode) == (IMAGE_SIZE, "squash")
    assert preprocessing.std == (0.25, 0.25, 0.25)


def test_texts_become_token_rows_of_the_context_length(folder: Path) -> None:
    assert ModelSource.of_folder(folder).tokenizer()(["a cat", "a dog"]).shape == (2, CONTEXT)


def test_a_folder_without_weights_is_never_served_with_random_ones(folder: Path) -> None:
    with pytest.raises(ValueError, match="cannot be loaded"):
        ModelSource.of_folder(folder).build()


def test_a_folder_without_configuration_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=CONFIGURATION_FILE):
        ModelSource.of_folder(tmp_path)


def test_the_hash_tells_one_changed_weight(folder: Path) -> None:
    model = ModelSource.of_folder(folder).build(is_trained=False)
    before = hash_weights(model)
    assert before == hash_weights(model)
    with torch.no_grad():
        next(model.parameters()).add_(0.5)
    assert hash_weights(model) != before


def test_random_weights_need_no_download() -> None:
    ModelSource("PE-Core-T-16-384", "meta").build(is_trained=False)  # the tests let nothing connect
