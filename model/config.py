"""Presets: which encoder serves a name (DESIGN §4).

A name that is no preset may be a checkpoint folder, or an open_clip architecture with its tag,
``ARCHITECTURE/TAG``.
"""

from pathlib import Path

import open_clip

from model.checkpoint import ModelSource

WEIGHTS = Path(__file__).parent / "weights"

FRAMES_PER_CLIP = 12
"""As in both papers' short-video settings (CLIP4Clip, arXiv 2104.08860)."""


PRESETS = {
    "tiny": ModelSource.of_folder(WEIGHTS / "tiny"),  # first run, tests, offline, CPU; bundled
    "fast": ModelSource("ViT-B-32-256", "datacomp_s34b_b86k"),  # CPU servers
    "standard": ModelSource("PE-Core-B-16", "meta"),  # one GPU
    "best": ModelSource("PE-Core-L-14-336", "meta"),  # quality
    "multilingual": ModelSource("ViT-B-16-SigLIP2", "webli"),  # other languages
    "paper-b32": ModelSource("ViT-B-32-quickgelu", "openai"),  # reproducing the papers
    "paper-b16": ModelSource("ViT-B-16-quickgelu", "openai"),  # reproducing the papers
}
"""Where each named encoder comes from, and whom it serves."""


def resolve_source(name: str) -> ModelSource:
    """Return where the encoder called ``name`` comes from; raises ValueError with what may be named."""
    if name in PRESETS:
        return PRESETS[name]
    if name and Path(name).is_dir():
        return ModelSource.of_folder(Path(name).resolve())
    architecture, separator, tag = name.partition("/")
    if separator and tag in open_clip.list_pretrained_tags_by_model(architecture):
        return ModelSource(architecture, tag)
    raise ValueError(
        f"there is no model {name!r}: name one of {', '.join(PRESETS)}, a checkpoint folder, "
        "or an open_clip ARCHITECTURE/TAG such as ViT-B-32/laion2b_s34b_b79k"
    )
