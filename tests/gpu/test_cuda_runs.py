"""What only a GPU can show: no waiting for the device, recorded graphs, and compiled towers."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from model.evaluation.efficiency.arms import Backbone
from model.evaluation.efficiency.measurement import video_like_pictures
from model.evaluation.efficiency.modes import Mode, prepare_encoding
from model.token_reduction.naming import parse_reduction
from model.vision_transformer.video_tower import VideoTower
from tests.gpu.machine import DEVICE, needs_gpu, open_backbone

pytestmark = [pytest.mark.gpu, needs_gpu]

FRAMES, BATCH = 12, 4

FAMILIES = ["none", "centerclip", "tempme", "pooling", "sparse", "frames", "tome", "pitome"]
"""Without spectral, whose eigenvectors the host waits for, and skip-duplicates, which counts its frames."""


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return open_backbone()


@pytest.fixture(scope="module")
def pictures(backbone: Backbone) -> Tensor:
    return video_like_pictures(backbone.image_size, BATCH, FRAMES).to(DEVICE)


def prepare(backbone: Backbone, family: str, pictures: Tensor, mode: Mode) -> Callable[[], Tensor]:
    reducer = parse_reduction(family, backbone.trunk.shape, FRAMES)
    return prepare_encoding(VideoTower(backbone.tower, reducer, FRAMES), pictures, mode)


@pytest.fixture
def forbid_waiting() -> Iterator[Callable[[], None]]:
    """Give a function after which torch raises RuntimeError where the host would wait for the GPU."""
    yield lambda: torch.cuda.set_sync_debug_mode("error")
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_host_never_waits_for_the_gpu(
    backbone: Backbone, pictures: Tensor, family: str, forbid_waiting: Callable[[], None]
) -> None:
    run = prepare(backbone, family, pictures, Mode.EAGER)
    run()  # libraries are loaded
    torch.cuda.synchronize()
    forbid_waiting()
    run()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_recorded_graph_gives_the_eager_vectors(backbone: Backbone, pictures: Tensor, family: str) -> None:
    eager = prepare(backbone, family, pictures, Mode.EAGER)()
    replay = prepare(backbone, family, pictures, Mode.GRAPH)
    torch.testing.assert_close(replay(), eager, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["none", "centerclip", "tempme"])
def test_a_recorded_graph_sees_new_pictures(backbone: Backbone, pictures: Tensor, family: str) -> None:
    shown = pictures.clone()
    replay = prepare(backbone, family, shown, Mode.GRAPH)
    before = replay().clone()
    shown.copy_(video_like_pictures(backbone.image_size, BATCH, FRAMES, seed=1))
    eager = prepare(backbone, family, shown, Mode.EAGER)()
    after = replay()
    assert not torch.allclose(after, before, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(after, eager, rtol=1e-4, atol=1e-5)
