"""A trained model written to a folder, and served from it as it was trained."""

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from model.checkpoint import (
    CONFIGURATION_FILE,
    POSITIONS_FILE,
    WEIGHTS_FILE,
    DualEncoder,
    ModelSource,
    hash_weights,
    save_trained,
)
from model.factory import load_encoders
from model.lora import add_lora, merge_lora
from model.serving_settings import SETTINGS_FILE, ServingSettings
from model.token_reduction.tempme import ClipPositions

CONFIGURATION = {
    "model_cfg": {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 5, "head_width": 16},
        "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "resize_mode": "squash"},
}
TEMPME = ServingSettings("tempme:2-2-2/1/0.7/0.9", 8, ("{}", "a video of {}"))


@pytest.fixture
def source(tmp_path: Path) -> ModelSource:
    """Return where the training begins."""
    folder = tmp_path / "pretrained"
    folder.mkdir()
    (folder / CONFIGURATION_FILE).write_text(json.dumps(CONFIGURATION))
    return ModelSource.of_folder(folder)


@pytest.fixture
def model(source: ModelSource) -> DualEncoder:
    return source.build(is_trained=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "trained"


def positions(width: int = 32, gluing: tuple[int, int, int] = (2, 2, 2), frames: int = 8) -> ClipPositions:
    made = ClipPositions(width, gluing, frames)
    for vectors in made.parameters():
        torch.nn.init.normal_(vectors)
    return made


def clip(frames: int) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (1, frames, 32, 32, 3)).astype(np.uint8)


def test_a_trained_folder_is_served_with_its_weights_reduction_frames_positions_and_prompts(
    model: DualEncoder, source: ModelSource, folder: Path
) -> None:
    learned = positions()
    save_trained(model, folder, TEMPME, learned, source)
    encoders = load_encoders(str(folder), device="cpu")
    assert encoders.settings.weights_sha256 == hash_weights(model)
    assert encoders.settings.reduction == TEMPME.reduction
    assert encoders.settings.positions_sha256 == hash_weights(learned)
    assert encoders.settings.frames_per_clip == encoders.video.frames_per_clip == 8
    assert encoders.text.prompts == TEMPME.prompts
    assert np.isfinite(encoders.video.encode(clip(8)).clips).all()


def test_positions_change_the_vectors_and_the_fingerprint(
    model: DualEncoder, source: ModelSource, folder: Path
) -> None:
    vectors, prints = [], set()
    for learned in (None, positions(), positions()):
        save_trained(model, folder, TEMPME, learned, source)
        encoders = load_encoders(str(folder), device="cpu")
        vectors.append(encoders.video.encode(clip(8)).clips)
        prints.add(encoders.settings.fingerprint)
    assert len(prints) == 3
    assert not any(np.allclose(vectors[0], other, atol=1e-3) for other in vectors[1:])


def test_the_same_training_saved_twice_is_the_same_generation_under_any_name_and_prompts(
    model: DualEncoder, source: ModelSource, folder: Path, tmp_path: Path
) -> None:
    learned = positions()
    save_trained(model, folder, TEMPME, learned, source)
    save_trained(model, tmp_path / "copy", ServingSettings(TEMPME.reduction, 8), learned, source)
    first, copy = (load_encoders(str(path), device="cpu") for path in (folder, tmp_path / "copy"))
    assert first.settings.fingerprint == copy.settings.fingerprint
    np.testing.assert_array_equal(first.video.encode(clip(8)).clips, copy.video.encode(clip(8)).clips)


def test_a_reduction_asked_for_goes_before_the_trained_one(
    model: DualEncoder, source: ModelSource, folder: Path
) -> None:
    save_trained(model, folder, TEMPME, positions(), source)
    unreduced = load_encoders(str(folder), reduction="none", device="cpu").settings
    assert (unreduced.reduction, unreduced.frames_per_clip, unreduced.positions_sha256) == ("none", 8, None)
    with pytest.raises(ValueError, match="let REELSEEK_REDUCTION be auto"):
        load_encoders(str(folder), reduction="tempme:4-2-1/1/0.7/0.9", device="cpu")


@pytest.mark.parametrize("wrong", [positions(width=48), positions(frames=12, gluing=(2, 2, 3))])
def test_positions_of_another_tower_or_clip_length_are_refused_with_the_shapes(
    model: DualEncoder, source: ModelSource, folder: Path, wrong: ClipPositions
) -> None:
    save_trained(model, folder, TEMPME, wrong, source)
    with pytest.raises(ValueError, match=r"clip_positions.safetensors holds .* takes \[\(8, 32\), \(4, 32\)"):
        load_encoders(str(folder), device="cpu")


def test_damaged_positions_are_refused_by_name(model: DualEncoder, source: ModelSource, folder: Path) -> None:
    save_trained(model, folder, TEMPME, positions(), source)
    (folder / POSITIONS_FILE).write_bytes(b"torn")
    with pytest.raises(ValueError, match=r"clip_positions.safetensors cannot be read"):
        load_encoders(str(folder), device="cpu")


def test_a_folder_of_weights_alone_is_served_as_ever(
    model: DualEncoder, source: ModelSource, folder: Path
) -> None:
    save_trained(model, folder, ServingSettings(), None, source)
    (folder / SETTINGS_FILE).unlink()
    settings = load_encoders(str(folder), device="cpu").settings
    assert (settings.frames_per_clip, settings.positions_sha256) == (12, None)
    assert settings.reduction.startswith("centerclip:")


def test_a_trained_public_architecture_is_a_folder_that_open_clip_reads_by_itself(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "small-public-tower.json").write_text(json.dumps(CONFIGURATION["model_cfg"]))
    open_clip.add_model_config(tmp_path / "small-public-tower.json")
    source = ModelSource("small-public-tower")
    model = source.build(is_trained=False)
    open_clip.set_model_preprocess_cfg(
        model, {**open_clip.get_model_preprocess_cfg(model), "mean": (0.1, 0.2, 0.3), "resize_mode": "squash"}
    )
    save_trained(model, folder, ServingSettings("none"), None, source)
    restored, _, _ = open_clip.create_model_and_transforms(f"local-dir:{folder}", require_pretrained=True)
    assert hash_weights(restored) == hash_weights(model)
    pictures = open_clip.get_model_preprocess_cfg(restored)
    assert (pictures["size"], pictures["resize_mode"]) == ((32, 32), "squash")
    assert tuple(pictures["mean"]) == (0.1, 0.2, 0.3)
    texts = ["a cat", "a dog"]
    ids = source.tokenizer()(texts)
    assert torch.equal(open_clip.get_tokenizer(f"local-dir:{folder}")(texts), ids)
    with torch.inference_mode():
        torch.testing.assert_close(restored.eval().encode_text(ids), model.encode_text(ids))


def test_merged_adapters_are_saved_and_unmerged_ones_refused(
    model: DualEncoder, source: ModelSource, folder: Path
) -> None:
    for parameter in add_lora(model):
        torch.nn.init.normal_(parameter)
    with pytest.raises(ValueError, match="merge_lora"):
        save_trained(model, folder, ServingSettings(), None, source)
    merge_lora(model)
    save_trained(model, folder, ServingSettings(), None, source)
    assert hash_weights(ModelSource.of_folder(folder).build()) == hash_weights(model)


def test_what_could_not_be_served_is_not_saved_and_an_earlier_checkpoint_stays(
    model: DualEncoder, source: ModelSource, folder: Path
) -> None:
    save_trained(model, folder, ServingSettings(), None, source)
    before = (folder / WEIGHTS_FILE).read_bytes()
    with pytest.raises(ValueError, match="clip positions are TempMe's"):
        save_trained(model, folder, ServingSettings(), positions(), source)
    with torch.no_grad():
        model.logit_scale.fill_(float("nan"))
    with pytest.raises(ValueError, match="logit_scale has numbers that are not finite"):
        save_trained(model, folder, ServingSettings(), None, source)
    assert (folder / WEIGHTS_FILE).read_bytes() == before


def test_a_disk_that_fills_up_leaves_the_earlier_checkpoint(
    model: DualEncoder, source: ModelSource, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_trained(model, folder, ServingSettings(), None, source)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail_at_positions(tensors: dict[str, torch.Tensor], path: Path) -> None:
        if path.name == POSITIONS_FILE:
            raise OSError(28, "No space left on device")
        save_file(tensors, path)

    monkeypatch.setattr("model.checkpoint.save_file", fail_at_positions)
    with pytest.raises(OSError, match="No space left"):
        save_trained(model, folder, TEMPME, positions(), source)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_a_checkpoint_may_be_trained_on_and_saved_in_its_own_place(
    model: DualEncoder, source: ModelSource, folder: Path
) -> None:
    save_trained(model, folder, TEMPME, positions(), source)
    further = ModelSource.of_folder(folder)
    save_trained(further.build(), folder, ServingSettings("none"), None, further)
    modes = {path.stat().st_mode for path in folder.iterdir()}
    assert len(modes) == 1  # who reads one file of it reads all
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [CONFIGURATION_FILE, WEIGHTS_FILE, SETTINGS_FILE]
    )
    assert load_encoders(str(folder), device="cpu").settings.reduction == "none"
    assert load_file(folder / WEIGHTS_FILE)["logit_scale"].dtype == torch.float32


def test_a_folder_with_videos_is_never_written_over(
    model: DualEncoder, source: ModelSource, folder: Path
) -> None:
    folder.mkdir()
    (folder / "holiday.mp4").touch()
    with pytest.raises(ValueError, match=r"holiday\.mp4"):
        save_trained(model, folder, ServingSettings(), None, source)
    assert [path.name for path in folder.iterdir()] == ["holiday.mp4"]
