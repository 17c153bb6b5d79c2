"""Ways to run a tower: step by step, compiled, or as one recorded CUDA graph."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from model.temporal_pooling import pool_mean
from model.vision_transformer.video_tower import VideoTower

MANY_ARMS = 64
"""Arms that can be compiled in one process: they share code, and torch gives up after 8 versions of it."""

GRAPH_WARM_UP = 3
"""Runs before a graph is recorded: libraries allocate and choose kernels in the first ones."""

LOGIT_SCALE = 100.0
"""CLIP's largest."""


class Mode(StrEnum):
    """How a tower is run."""

    EAGER = "eager"
    COMPILED = "compiled"
    GRAPH = "graph"


def check_mode(mode: Mode, device: torch.device) -> None:
    """Raise ValueError if ``mode`` needs another device."""
    if mode is Mode.GRAPH and device.type != "cuda":
        raise ValueError(
            f"the mode 'graph' records a CUDA graph and cannot run on {device.type}: "
            "name eager or compiled, or run it where there is an NVIDIA GPU"
        )


def prepare_encoding(tower: VideoTower, pictures: Tensor, mode: Mode) -> Callable[[], Tensor]:
    """Return a function that encodes ``pictures`` (B*T, 3, H, W) into vectors (B*V, D).

    The first call of a compiled one compiles it.
    """
    encode = _encoder(tower, mode)

    @torch.inference_mode()
    def run() -> Tensor:
        return encode(pictures)

    return record_graph(run) if mode is Mode.GRAPH else run


def prepare_training(
    tower: VideoTower, pictures: Tensor, targets: Tensor, mode: Mode, dtype: torch.dtype
) -> Callable[[], None]:
    """Return a training step without the optimiser: forward, and backward into every weight.

    The loss is CLIP4Clip's (arXiv 2104.08860, section 3.4): each video's mean vector must find its own among
    ``targets`` (B, D), and be found by it. Weights stay float32 under autocast to ``dtype``. A graph is not
    recorded of it: then it runs step by step.
    """
    encode = _encoder(tower, Mode.COMPILED if mode is Mode.COMPILED else Mode.EAGER)
    own = torch.arange(len(targets), device=targets.device)
    weights = [weight for weight in tower.tower.parameters() if weight.requires_grad]

    def step() -> None:
        for weight in weights:
            weight.grad = None
        with _autocast(pictures.device, dtype):
            vectors = encode(pictures).unflatten(0, (len(targets), -1))  # (B, V, D)
        scores = LOGIT_SCALE * pool_mean(vectors.float()) @ targets.T
        ((cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2).backward()

    return step


def record_graph(run: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """Return a function that replays ``run`` as one CUDA graph, always into the same result."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(GRAPH_WARM_UP):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = run()

    def replay() -> Tensor:
        graph.replay()
        return result

    return replay


def _encoder(tower: VideoTower, mode: Mode) -> Callable[[Tensor], Tensor]:
    def encode(pictures: Tensor) -> Tensor:
        return tower.run(pictures).vectors

    if mode is not Mode.COMPILED:
        return encode
    torch._dynamo.config.recompile_limit = MANY_ARMS
    return torch.compile(encode, dynamic=False)


def _autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    return nullcontext() if dtype is torch.float32 else torch.autocast(device.type, dtype)
