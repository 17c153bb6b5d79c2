"""``python -m model.evaluation.evaluate``: how well an encoder finds photographs by their captions.

Text → image: each caption ranks all photographs. Image → text: each photograph ranks the groups of captions,
a group scoring as its best caption (MODEL-SPEC §6.2).
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor
from torch.nn.functional import normalize

from model.checkpoint import DualEncoder, ModelSource, preprocessing_of
from model.config import resolve_source
from model.datasets.photographs import CaptionedPhotograph, centre_crop, read_flickr8k, resize
from model.evaluation.caption_groups import evaluate_captions
from model.evaluation.retrieval_metrics import RetrievalMetrics
from model.text_encoder import Tokenizer

BATCH = 128


@dataclass(frozen=True)
class PhotographMetrics:
    """Retrieval in both directions."""

    text_to_image: RetrievalMetrics
    image_to_text: RetrievalMetrics


def evaluate_photographs(
    source: ModelSource, photographs: Sequence[CaptionedPhotograph], device: str = "cpu"
) -> PhotographMetrics:
    """Return how the encoder's words and pictures rank one another over ``photographs``."""
    model = source.build().to(device)
    captions = [caption for photograph in photographs for caption in photograph.captions]
    owners = np.repeat(np.arange(len(photographs)), [len(p.captions) for p in photographs])
    with torch.inference_mode():
        texts = _encode_texts(model, source.tokenizer(), captions, device)
        pictures = _encode_pictures(model, photographs, device)
        scores = (texts @ pictures.T).cpu().numpy()
    metrics = evaluate_captions(scores, owners)
    return PhotographMetrics(metrics.text_to_video, metrics.video_to_text)


def _encode_texts(model: DualEncoder, tokenizer: Tokenizer, captions: list[str], device: str) -> Tensor:
    parts = [model.encode_text(part.to(device)) for part in tokenizer(captions).split(BATCH)]
    return normalize(torch.cat(parts).float(), dim=-1)


def _encode_pictures(model: DualEncoder, photographs: Sequence[CaptionedPhotograph], device: str) -> Tensor:
    preprocessing = preprocessing_of(model)
    parts = []
    for start in range(0, len(photographs), BATCH):
        squares = [centre_crop(p.decode()) for p in photographs[start : start + BATCH]]
        pixels = np.stack([resize(square, preprocessing.image_size) for square in squares])
        parts.append(
            model.encode_image(preprocessing.to_tensor(pixels[None], torch.device(device), torch.float32))
        )
    return normalize(torch.cat(parts).float(), dim=-1)


def main() -> None:
    """Parse the command line, evaluate, and print JSON."""
    parser = argparse.ArgumentParser(prog="python -m model.evaluation.evaluate")
    parser.add_argument(
        "--photographs", type=Path, required=True, help="a tar archive such as flickr8k/test.tar"
    )
    parser.add_argument("--preset", default="tiny", help="preset, checkpoint folder or ARCHITECTURE/TAG")
    options = parser.parse_args()
    metrics = evaluate_photographs(resolve_source(options.preset), read_flickr8k(options.photographs))
    Console().print_json(data=asdict(metrics))


if __name__ == "__main__":
    main()
