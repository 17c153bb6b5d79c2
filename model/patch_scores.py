"""Why a clip fits a query: what each patch that was left of its frames has to do with it.

- A tower that pools by the mean of its patches, as the bundled one does: a patch's part of the vector is
  known, so that what it says is its exact share of the score.
- A tower that pools by a class token: the patch takes that token's place in the last block, where it attends
  to itself alone, and behind it. This is how MaskCLIP (arXiv 2112.01071, section 3.3) reads dense labels out
  of CLIP: values without attention, since nothing ever trained a patch to say what it shows.
- A tower that pools by attention: the pool sees this one patch, and its weights are left out. That tells what
  a patch shows, and not how much it counted.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from model.temporal_pooling import pool_parts
from model.token_reduction.base import Tokens
from model.vision_transformer.trunk import Trunk
from model.vision_transformer.video_tower import TokenTrace, VideoTower


class UnreadablePatchesError(ValueError):
    """A tower does not say what its patches see; the message says why, and the way out."""


@dataclass(frozen=True)
class PatchScores:
    """The K patches that were left of one clip of T frames; a merged token is where it was merged into."""

    scores: NDArray[np.float32]
    """(K,): cosines with the query; or, if ``is_exact``, parts of the segments' scores."""
    shares: NDArray[np.float32]
    """(K,): how much each counts in its segment, by how many tokens were merged in it; 1 in all."""
    frames: NDArray[np.int64]
    """(K,): the frame of each, 0 to T - 1."""
    rows: NDArray[np.int64]
    """(K,): its row of patches in the frame, from the top."""
    columns: NDArray[np.int64]
    """(K,): its column, from the left."""
    segments: NDArray[np.int64]
    """(K,): the segment of the clip that it belongs to."""
    segment_scores: NDArray[np.float32]
    """(S,): cosines of the segments' vectors with the query."""
    side: int
    """Rows and columns of a frame."""
    is_exact: bool
    """Whether shares times scores of a segment add up to its score."""


def score_patches(tower: VideoTower, pictures: Tensor, segments: int, query: Tensor) -> PatchScores:
    """Return how the patches of one clip's pictures (T, 3, H, W) fit a unit ``query`` (D,).

    Raises UnreadablePatchesError for a tower that runs whole, and for patches that are no square.
    """
    trunk = tower.trunk
    if trunk is None:
        raise UnreadablePatchesError(
            f"the {type(tower.tower).__name__} is run whole, and so does not say what its patches see: take "
            "one of the presets tiny, fast, standard, best, multilingual, paper-b32 and paper-b16"
        )
    side = math.isqrt(trunk.shape.patches)
    if side**2 != trunk.shape.patches:
        raise UnreadablePatchesError(
            f"the {trunk.shape.patches} patches of a frame are no square, as those of presets are"
        )
    trace = tower.trace(trunk, pictures)
    tokens, readings, is_exact = _read(trunk, trace)
    if tokens.origins is None:
        raise ValueError("the tokens lost their origins, which say where they come from")
    frames = tokens.origins // trunk.shape.patches  # (R, n)
    patches = tokens.origins % trunk.shape.patches
    belongs = _segments_of(frames, tower.frames, segments)
    shares = _shares(tokens, belongs, segments)
    vectors = trace.vectors.float()
    if is_exact:
        scores = _part_scores(readings, vectors, segments, query)
    else:
        scores = normalize(readings, dim=2) @ query
    return PatchScores(
        scores=_flat(scores),
        shares=_flat(shares),
        frames=_flat(frames),
        rows=_flat(patches // side),
        columns=_flat(patches % side),
        segments=_flat(belongs),
        segment_scores=_flat(pool_parts(vectors[None], segments)[0] @ query),
        side=side,
        is_exact=is_exact,
    )


def _read(trunk: Trunk, trace: TokenTrace) -> tuple[Tokens, Tensor, bool]:
    """Return the tokens read, what each patch says (R, n, D), and whether that is its part of the vector."""
    parts = trunk.divide(trace.pooled)
    if parts is not None:
        return trace.pooled, parts.float(), True
    by_class_token = trunk.count_vectors(class_tokens=2) == 2
    tokens = trace.last_block if by_class_token else trace.pooled
    patches = tokens.values[:, tokens.class_tokens :]  # (R, n, C)
    single = patches.flatten(0, 1).unsqueeze(1)  # (K, 1, C)
    nowhere = torch.zeros(len(single), 1 - by_class_token, dtype=torch.int64, device=single.device)
    alone = Tokens(single, len(single), class_tokens=int(by_class_token), origins=nowhere)
    if by_class_token:
        last = trunk.shape.layers - 1
        alone, _ = trunk.attend(last, alone, with_keys=False)
        alone = trunk.feed_forward(last, alone)
    return tokens, trunk.pool(alone).float().unflatten(0, patches.shape[:2]), False


def _segments_of(frames: Tensor, frames_per_clip: int, segments: int) -> Tensor:
    """Return the segment of each token (R, n), of R sequences in time order or of one."""
    sequences = len(frames)
    if sequences % segments:
        return frames * segments // frames_per_clip
    return (
        (torch.arange(sequences, device=frames.device) * segments // sequences).unsqueeze(1).expand_as(frames)
    )


def _shares(tokens: Tokens, belongs: Tensor, segments: int) -> Tensor:
    """Return how much each patch token (R, n) counts in its segment."""
    ones = torch.ones(tokens.values.shape[:2], device=belongs.device)
    sizes = (ones if tokens.sizes is None else tokens.sizes)[:, tokens.class_tokens :]
    totals = torch.zeros(segments, device=belongs.device).index_add(0, belongs.flatten(), sizes.flatten())
    return sizes / totals[belongs]


def _part_scores(parts: Tensor, vectors: Tensor, segments: int, query: Tensor) -> Tensor:
    """Return what parts (R, n, D) of vectors (R, D) add to the cosine of their segment's mean direction."""
    lengths = vectors.norm(dim=1)  # (R,)
    directions = normalize(vectors, dim=1).unflatten(0, (segments, -1))  # (S, R/S, D)
    agreement = directions.mean(1).norm(dim=1).repeat_interleave(directions.shape[1])  # (R,)
    scores: Tensor = parts @ query / (lengths * agreement).unsqueeze(1)
    return scores


def _flat(values: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = values.flatten().cpu().numpy()
    return array
