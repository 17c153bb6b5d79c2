"""TempMe through a whole tower, against the specification (MODEL-SPEC 2) token by token in float64."""

import math
from typing import NamedTuple

import pytest
import torch
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor
from torch.nn.functional import cosine_similarity

from model.token_reduction.tempme import ClipPositions, TempMe
from model.vision_transformer.video_tower import VideoTower
from tests.small_towers import IMAGE_SIZE, small_tower

FRAMES = 12
WIDTH = 32


class Clip(NamedTuple):
    """One sequence: class tokens, then patches."""

    tokens: list[Tensor]
    sizes: list[float]
    classes: int


def attend(block: ResidualAttentionBlock, clip: Clip) -> tuple[Clip, list[Tensor]]:
    """Return the tokens after attention with the sizes' logarithm on the keys' logits, and the mean keys."""
    tokens = torch.stack(clip.tokens)  # (n, C)
    attention = block.attn
    projected = block.ln_1(tokens) @ attention.in_proj_weight.T + attention.in_proj_bias
    queries, keys, values = (part.chunk(attention.num_heads, 1) for part in projected.chunk(3, 1))
    bias = torch.tensor(clip.sizes, dtype=tokens.dtype).log()
    seen = [
        (query @ key.T / math.sqrt(key.shape[1]) + bias).softmax(1) @ value
        for query, key, value in zip(queries, keys, values, strict=True)
    ]
    after = tokens + attention.out_proj(torch.cat(seen, 1))
    return clip._replace(tokens=list(after)), list(torch.stack(keys).mean(0))


def merge(clip: Clip, metric: list[Tensor], wanted: int) -> Clip:
    """Return the clip with ``wanted`` patches, half of them at most, folded into those they are most like."""
    if wanted == 0:
        return clip  # in its order
    places = range(clip.classes, len(clip.tokens))
    sources = [place for place in places if place % 2 == 0]
    targets = [place for place in places if place % 2 == 1]
    proposals = []
    for source in sources:
        alike = [float(cosine_similarity(metric[source], metric[target], dim=0)) for target in targets]
        proposals.append((-max(alike), source, targets[alike.index(max(alike))]))
    folded = sorted(proposals)[: min(wanted, len(places) // 2)]
    tokens, sizes = list(clip.tokens), list(clip.sizes)
    for target in targets:
        members = [target, *(source for _, source, into in folded if into == target)]
        sizes[target] = sum(clip.sizes[member] for member in members)
        weighted = sum(clip.sizes[member] * clip.tokens[member] for member in members)
        tokens[target] = torch.as_tensor(weighted) / sizes[target]
    gone = {source for _, source, _ in folded}
    order = [*range(clip.classes), *(place for place in sources if place not in gone), *targets]
    return Clip([tokens[place] for place in order], [sizes[place] for place in order], clip.classes)


def glue(clips: list[Clip]) -> Clip:
    """Return the clips as one: all class tokens, then all patches, in time."""
    classes = [(clip, place) for clip in clips for place in range(clip.classes)]
    patches = [(clip, place) for clip in clips for place in range(clip.classes, len(clip.tokens))]
    members = classes + patches
    tokens = [clip.tokens[place] for clip, place in members]
    return Clip(tokens, [clip.sizes[place] for clip, place in members], len(classes))


def glue_and_merge(clips: list[Clip], factor: int, kept: float, positions: Tensor) -> list[Clip]:
    placed = [
        clip._replace(tokens=[token + position for token in clip.tokens])
        for clip, position in zip(clips, positions, strict=True)
    ]
    joined = []
    for first in range(0, len(clips), factor):
        metric = glue(clips[first : first + factor])
        removed = math.floor(len(metric.tokens) * (1 - kept) + 1e-9)
        joined.append(merge(glue(placed[first : first + factor]), metric.tokens, removed))
    return joined


def encode(tower: VisionTransformer, reducer: TempMe, pictures: Tensor) -> Tensor:
    """Return the vectors of the frames of one video."""
    frames = tower._embeds(pictures)
    clips = [Clip(list(frame), [1.0] * len(frame), 1) for frame in frames]
    blocks = tower.transformer.resblocks
    for number, block in enumerate(blocks):
        stage = number - (len(blocks) - 4)
        if 0 <= stage < 3 and reducer.positions is not None:
            positions = reducer.positions.vectors[stage]
            clips = glue_and_merge(clips, reducer.gluing[stage], reducer.cross_kept, positions)
        for place, clip in enumerate(clips):
            after, keys = attend(block, clip)
            share = math.floor(len(keys) * (1 - reducer.intra_kept) + 1e-9)
            merged = merge(after, keys, reducer.merged if stage < 0 else share)
            tokens = torch.stack(merged.tokens)
            clips[place] = merged._replace(tokens=list(tokens + block.mlp(block.ln_2(tokens))))
    (video,) = clips
    return tower.ln_post(torch.stack(video.tokens[: video.classes])) @ tower.proj  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("gluing", "merged", "cross_kept", "intra_kept"),
    [((2, 2, 3), 2, 0.7, 0.9), ((2, 2, 3), 3, 0.6, 0.8), ((3, 2, 2), 0, 0.5, 1.0)],
)
def test_the_vectors_are_those_of_the_specification(
    gluing: tuple[int, int, int], merged: int, cross_kept: float, intra_kept: float
) -> None:
    positions = ClipPositions(WIDTH, gluing, FRAMES).double()
    for vectors in positions.vectors:
        torch.nn.init.normal_(vectors)
    reducer = TempMe(gluing, merged, cross_kept, intra_kept, layers=6, positions=positions)
    tower = small_tower(layers=6).double().eval()
    pictures = torch.randn(2 * FRAMES, 3, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.float64)
    with torch.inference_mode():
        vectors = VideoTower(tower, reducer, FRAMES).run(pictures).vectors
        expected = torch.cat([encode(tower, reducer, video) for video in pictures.split(FRAMES)])
    torch.testing.assert_close(vectors, expected, atol=1e-6, rtol=1e-6)
