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
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor
from torch.nn.functional import normalize

from model.checkpoint import DualEncoder, ModelSource, preprocessing_of
from model.config import resolve_source
from model.evaluation.retrieval_metrics import RetrievalMetrics, expected_ranks, summarise
from model.photographs import CaptionedPhotograph, centre_crop, read_flickr8k, resize
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
    return PhotographMetrics(
        summarise(expected_ranks(scores, owners)),
        summarise(expected_ranks(best_of_groups(scores, owners).T, np.arange(len(photographs)))),
    )


def best_of_groups(scores: NDArray[np.float32], owners: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the best score of each owner (owners, V) in scores (captions, V) sorted by owner."""
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    best: NDArray[np.float32] = np.maximum.reduceat(scores, starts, axis=0)
    return best


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
