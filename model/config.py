"""Presets: which encoder serves a name, and with which prompts (DESIGN §4).

A name that is no preset may be a checkpoint folder, or an open_clip architecture with its tag,
``ARCHITECTURE/TAG``.

The public encoders are asked with the words as they are typed, as CLIP4Clip (arXiv 2104.08860), CenterCLIP
and TempMe do: their figures are of bare captions, and a search is a caption more often than a label. "a photo
of" gained CLIP 1 to 2 points on captions of pictures (arXiv 2103.00020, section E.1), but nothing here has
measured it for these weights, and an English prompt is wrong around other languages. ``python -m
model.evaluation.prompts`` measures it.
"""

from dataclasses import dataclass, field
from pathlib import Path

import open_clip

from model.checkpoint import ModelSource
from model.serving_settings import ServingSettings, read_serving_settings

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Preset:
    """An encoder and how it is used."""

    source: ModelSource
    settings: ServingSettings = field(default_factory=ServingSettings)

    @classmethod
    def of_folder(cls, folder: Path) -> "Preset":
        """Return a checkpoint with what its folder says of its use.

        Raises ValueError if it has no configuration, or settings that cannot be read.
        """
        return cls(ModelSource.of_folder(folder), read_serving_settings(folder))


PRESETS = {
    "tiny": Preset.of_folder(WEIGHTS / "tiny"),  # first run, tests, offline, CPU; bundled
    "fast": Preset(ModelSource("ViT-B-32-256", "datacomp_s34b_b86k")),  # CPU servers
    "standard": Preset(ModelSource("PE-Core-B-16", "meta")),  # one GPU
    "best": Preset(ModelSource("PE-Core-L-14-336", "meta")),  # quality
    "multilingual": Preset(ModelSource("ViT-B-16-SigLIP2", "webli")),  # other languages
    "paper-b32": Preset(ModelSource("ViT-B-32-quickgelu", "openai")),  # reproducing the papers
    "paper-b16": Preset(ModelSource("ViT-B-16-quickgelu", "openai")),  # reproducing the papers
}
"""Where each named encoder comes from, and whom it serves."""


def resolve_source(name: str) -> ModelSource:
    """Return where the encoder called ``name`` comes from; raises ValueError with what may be named."""
    return resolve_preset(name).source


def resolve_preset(name: str) -> Preset:
    """Return the encoder called ``name``; raises ValueError with what may be named.

    Also raises it for a checkpoint folder that cannot be used.
    """
    if name in PRESETS:
        return PRESETS[name]
    if name and Path(name).is_dir():
        return Preset.of_folder(Path(name).resolve())
    architecture, separator, tag = name.partition("/")
    if separator and tag in open_clip.list_pretrained_tags_by_model(architecture):
        return Preset(ModelSource(architecture, tag))
    raise ValueError(
        f"there is no model {name!r}: name one of {', '.join(PRESETS)}, a checkpoint folder, "
        "or an open_clip ARCHITECTURE/TAG such as ViT-B-32/laion2b_s34b_b79k"
    )
