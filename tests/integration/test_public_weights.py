"""The loading path of public weights, on a checkpoint made here and put where a download would lie."""

from pathlib import Path

import numpy as np
import open_clip
import pytest
from huggingface_hub import constants
from safetensors.torch import save_file

from model.checkpoint import ModelSource, hash_weights, preprocessing_of
from model.config import PRESETS
from model.factory import load_encoders, reducer_for
from model.video_encoder import VideoEncoder
from tests.timm_towers import tower_without_weights

COMMIT = "0" * 40


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def test_a_preset_loads_the_weights_that_the_hub_gave(hub_cache: Path) -> None:
    source = PRESETS["fast"].source
    published = open_clip.create_model(source.architecture)
    repository = open_clip.get_pretrained_cfg(source.architecture, source.tag)["hf_hub"].rstrip("/")
    folder = hub_cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    save_file(published.state_dict(), folder / "snapshots" / COMMIT / "open_clip_model.safetensors")

    encoders = load_encoders("fast", device="cpu")

    assert encoders.settings.weights_sha256 == hash_weights(published)
    assert encoders.settings.reduction == "centerclip:B6-4,64"
    assert encoders.text.encode(["a cat"]).shape == (1, 512)
    embedding = encoders.video.encode(np.zeros((1, 12, 256, 256, 3), np.uint8))
    assert (embedding.clips.shape, embedding.segments.shape) == ((1, 512), (1, 4, 512))


@pytest.mark.parametrize(
    ("preset", "reduction"),
    [
        ("fast", "centerclip:B6-4,64"),
        ("standard", "centerclip:B6-4,160"),
        ("best", "centerclip:B12-4,470"),
        ("multilingual", "centerclip:B6-4,160"),
        ("paper-b32", "centerclip:B6-4,49"),
        ("paper-b16", "centerclip:B6-4,160"),
    ],
)
def test_every_public_preset_is_reduced_by_itself(preset: str, reduction: str) -> None:
    assert reducer_for(tower_without_weights(PRESETS[preset].source.architecture), "auto").name == reduction


def test_a_convolutional_tower_runs_whole_and_is_refused_what_acts_on_tokens() -> None:
    model = ModelSource("RN50").build(is_trained=False)
    assert reducer_for(model.visual, "auto").name == "none"
    encoder = VideoEncoder(model.visual, preprocessing_of(model), reducer_for(model.visual, "frames:2"))
    embedding = encoder.encode(np.zeros((1, 12, 224, 224, 3), np.uint8))
    assert (embedding.clips.shape, embedding.segments.shape) == ((1, 1024), (1, 2, 1024))
    for name in ("centerclip:B6-4,49", "tempme", "tome:2"):
        with pytest.raises(ValueError, match=r"in the ModifiedResNet: it is no vision transformer.*standard"):
            reducer_for(model.visual, name)


@pytest.mark.allow_error_logs  # open_clip logs it before it raises
def test_weights_that_cannot_be_had_are_named(hub_cache: Path) -> None:
    with pytest.raises(ValueError, match="ViT-B-32-256 / datacomp_s34b_b86k cannot be loaded"):
        load_encoders("fast", device="cpu")
