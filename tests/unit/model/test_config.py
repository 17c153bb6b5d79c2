"""Names of encoders and where they come from."""

import shutil
from pathlib import Path

import open_clip
import pytest

from model.config import PRESETS, resolve_source


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "tiny"])
def test_every_public_preset_is_an_architecture_and_tag_that_open_clip_knows(name: str) -> None:
    source = resolve_source(name)
    assert source.tag in open_clip.list_pretrained_tags_by_model(source.architecture)


def test_an_architecture_and_tag_may_be_named_directly() -> None:
    source = resolve_source("ViT-B-32/laion2b_s34b_b79k")
    assert (source.architecture, source.tag) == ("ViT-B-32", "laion2b_s34b_b79k")


def test_a_checkpoint_folder_may_be_named(tmp_path: Path) -> None:
    configuration = Path(PRESETS["tiny"].source.architecture.removeprefix("local-dir:"))
    shutil.copy(configuration / "open_clip_config.json", tmp_path)
    assert resolve_source(str(tmp_path)).architecture == f"local-dir:{tmp_path}"


@pytest.mark.parametrize("name", ["huge", "ViT-B-32/no_such_tag", ""])
def test_an_unknown_name_is_answered_with_what_may_be_named(name: str) -> None:
    with pytest.raises(ValueError, match="tiny, fast, standard"):
        resolve_source(name)
