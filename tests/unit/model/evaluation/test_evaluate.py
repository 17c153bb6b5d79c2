"""Words and photographs ranking one another."""

import io

from PIL import Image

from model.config import PRESETS
from model.datasets.photographs import CaptionedPhotograph
from model.evaluation.evaluate import evaluate_photographs


def photograph(name: str, colour: str, *captions: str) -> CaptionedPhotograph:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(buffer, "PNG")
    return CaptionedPhotograph(name, buffer.getvalue(), captions)


def test_the_bundled_model_tells_colours_apart() -> None:
    photographs = [
        photograph("sky", "deepskyblue", "a blue sky", "clear blue water"),
        photograph("lawn", "forestgreen", "green grass", "a green lawn"),
    ]
    metrics = evaluate_photographs(PRESETS["tiny"], photographs)
    assert (metrics.text_to_image.queries, metrics.image_to_text.queries) == (4, 2)
    assert metrics.text_to_image.recall_at_1 >= 75
