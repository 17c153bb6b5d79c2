"""Small stand-ins for what the bundled model is trained from: six colours, their features and their names."""

from typing import Any

import numpy as np
import torch
from open_clip.model import CustomTextCLIP
from torch.nn.functional import normalize

from model.datasets.photographs import CaptionedPhotograph
from model.training.bundled.lessons import Captioned, Lessons
from model.training.bundled.photograph_views import GRID, NARROW_CHANNELS, Views
from model.training.bundled.text_tower import GroundedEmbedding
from model.training.bundled.vocabulary import Concepts, Names
from model.vision_transformer.mobilenet_hybrid import LAST_CHANNELS

COLOURS = ("red", "green", "blue", "white", "black", "yellow")
VIEWS = 2
CLASSES = 1000


def small_model() -> CustomTextCLIP:
    """Return the bundled model's image tower beside a small text tower, with random weights."""
    model = CustomTextCLIP(
        embed_dim=256,
        vision_cfg={"timm_model_name": "vit_mobilenetv2_224", "timm_pool": "avg", "timm_proj": ""},
        text_cfg={"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 1, "layers": 1},
    )
    text: Any = model.text
    text.token_embedding = GroundedEmbedding(text.token_embedding, torch.randn(49408, 4))
    return model


def colours(count: int = VIEWS) -> Captioned:
    """Return the colours, each with ``count`` equal views of random features and one caption."""
    generator = np.random.default_rng(0)
    maps = generator.normal(size=(len(COLOURS), 1, GRID**2, NARROW_CHANNELS)).repeat(count, 1)
    pooled = generator.normal(size=(len(COLOURS), 1, LAST_CHANNELS)).repeat(count, 1)
    views = Views(
        maps.reshape(-1, GRID**2, NARROW_CHANNELS).astype(np.float16),
        pooled.reshape(-1, LAST_CHANNELS).astype(np.float16),
        count,
    )
    return Captioned.of(views, [CaptionedPhotograph(name, b"", (f"a {name} wall",)) for name in COLOURS])


def lessons_of(captioned: Captioned) -> Lessons:
    """Return lessons in which the classes are nonsense and the concepts four animals."""
    vectors = normalize(torch.randn(4, 512, generator=torch.Generator().manual_seed(0)), dim=-1)
    animals = Names((("cat",), ("dog", "hound"), ("cow",), ("hen",)))
    weights = torch.randn(LAST_CHANNELS, CLASSES, generator=torch.Generator().manual_seed(1))
    class_names = Names(tuple((f"thing {number}",) for number in range(CLASSES)))
    return Lessons(
        captioned, captioned, lambda pooled: pooled @ weights, class_names, Concepts(animals, vectors)
    )
