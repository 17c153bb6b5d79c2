"""What learns on top of the frozen convolutions is what is served."""

import torch
from torch.nn.functional import normalize

from model.training.bundled.image_sides import PooledHead, TowerSide
from model.vision_transformer.mobilenet_hybrid import LAST_CHANNELS
from tests.bundled_towers import small_model


@torch.inference_mode()
def test_from_kept_maps_the_tower_gives_what_it_gives_from_the_pictures() -> None:
    tower = small_model().visual.eval()
    pictures = torch.randn(2, 3, 224, 224)
    stem = tower.trunk.patch_embed.backbone
    maps = stem.narrow_cells(pictures).flatten(2).mT
    vectors = TowerSide(tower).eval()(maps, torch.empty(0))
    torch.testing.assert_close(vectors, normalize(tower(pictures), dim=-1), atol=1e-4, rtol=0)


def test_patches_are_dropped_only_in_training() -> None:
    side = TowerSide(small_model().visual)
    maps = torch.randn(1, 49, 320)
    trained = [side.train()(maps, torch.empty(0)) for _ in range(2)]
    served = [side.eval()(maps, torch.empty(0)) for _ in range(2)]
    assert not torch.equal(*trained)
    assert torch.equal(*served)


def test_the_head_sees_features_on_one_scale() -> None:
    examples = torch.randn(50, LAST_CHANNELS) * torch.linspace(2, 20, LAST_CHANNELS) + 3
    head = PooledHead(examples, 8).eval()
    shifted = PooledHead(examples * 4 - 7, 8).eval()
    shifted.layers.load_state_dict(head.layers.state_dict())
    torch.testing.assert_close(
        head(torch.empty(0), examples), shifted(torch.empty(0), examples * 4 - 7), atol=0.02, rtol=0
    )
