"""The frames of videos through a vision transformer, with a token reducer at its places."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ParamSpec, TypeVar

import torch
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn
from torch.profiler import record_function
from torch.utils.checkpoint import checkpoint

from model.token_reduction.base import LayerTokens, TokenReducer, Tokens, TowerShape
from model.vision_transformer.open_clip_trunk import OpenClipTrunk
from model.vision_transformer.timm_trunk import open_timm_trunk
from model.vision_transformer.trunk import Trunk, irreducible

P = ParamSpec("P")
R = TypeVar("R")

REDUCTION_LABEL = "reduce tokens"
"""What a profiler calls the time spent choosing and merging tokens."""


@dataclass(frozen=True)
class TowerOutput:
    """What a tower makes of the frames of B videos."""

    vectors: Tensor
    """(B*V, D) in time order, projected, not normalised."""
    token_counts: tuple[LayerTokens, ...]
    """Tokens of one video in each block, as they were; of one whose frames are all encoded, where a reducer
    skips some. A tower that was run whole counts as one block of one token a picture."""


@dataclass(frozen=True)
class TokenTrace:
    """The tokens of one video on their way. ``origins`` say patch and frame: N * frame + patch."""

    last_block: Tokens
    """As they enter the attention of the last block."""
    pooled: Tokens
    """As they are in the end."""
    vectors: Tensor
    """(V, D) in time order, projected, not normalised."""


SEEN_FROM_OUTSIDE = TowerShape(layers=1, patches=1, class_tokens=0)
"""A tower that runs whole: one step from a picture to one vector."""


class VideoTower:
    """A tower and a reducer that were found to fit each other for videos of ``frames`` frames.

    A tower that cannot be taken apart (a convolutional one) runs whole, and takes only reducers that choose
    among the frames. Raises ValueError, with the presets that work, if the reducer has no place in it.
    """

    def __init__(self, tower: nn.Module, reducer: TokenReducer, frames: int) -> None:
        self.tower = tower
        self.reducer = reducer
        self.frames = frames
        self.trunk = _open_if_needed(tower, reducer)
        shape = SEEN_FROM_OUTSIDE if self.trunk is None else self.trunk.shape
        self.schedule = reducer.schedule(shape, frames)
        class_tokens = reducer.count_class_tokens(shape, frames)
        self._vectors_per_sequence = 1 if self.trunk is None else self.trunk.count_vectors(class_tokens)

    @property
    def vectors_per_video(self) -> int:
        """V: how many vectors remain of each video, in time order."""
        return self.schedule[-1].sequences * self._vectors_per_sequence

    def run(self, pictures: Tensor) -> TowerOutput:
        """Encode pictures (B*T, 3, H, W), ``frames`` of them a video.

        Raises ValueError if they are no whole number of videos, or none.
        """
        if pictures.shape[0] % self.frames or not pictures.shape[0]:
            raise ValueError(
                f"{pictures.shape[0]} pictures are no whole number of videos of {self.frames} frames, "
                "of which there must be one at least"
            )
        with record_function(REDUCTION_LABEL):
            choice = self.reducer.choose_frames(pictures, self.frames)
        if choice is None:
            return self._encode(pictures, self.frames)
        output = self._encode(pictures[choice.encoded], choice.frames)
        if choice.sources is None:
            return output
        by_picture = output.vectors.unflatten(0, (-1, self._vectors_per_sequence))  # (P, V/T, D)
        return TowerOutput(by_picture[choice.sources].flatten(0, 1), output.token_counts)

    def trace(self, trunk: Trunk, pictures: Tensor) -> TokenTrace:
        """Encode the pictures (T, 3, H, W) of one video through this tower's ``trunk``, and keep the tokens.

        A frame that a reducer let another one stand in for has that one's tokens.
        """
        patches, last = trunk.shape.patches, trunk.shape.layers - 1
        choice = self.reducer.choose_frames(pictures, self.frames)
        shown = torch.arange(self.frames, device=pictures.device) if choice is None else choice.encoded
        tokens = trunk.embed(pictures[shown], len(shown))
        places = patches * shown.unsqueeze(1) + torch.arange(patches, device=pictures.device)  # (F, N)
        tokens = replace(tokens, origins=places)
        for block in range(last):
            tokens, _ = self._run_block(trunk, block, tokens)
        entering = self.reducer.before_block(last, tokens)
        tokens, _ = self._run_block(trunk, last, tokens)
        vectors = trunk.pool(tokens)
        if choice is None or choice.sources is None:
            return TokenTrace(entering, tokens, vectors)
        entering, tokens = (_stand_in(one, choice.sources, patches) for one in (entering, tokens))
        by_picture = vectors.unflatten(0, (-1, self._vectors_per_sequence))
        return TokenTrace(entering, tokens, by_picture[choice.sources].flatten(0, 1))

    def _encode(self, pictures: Tensor, frames: int) -> TowerOutput:
        if self.trunk is None:
            return TowerOutput(self.tower(pictures), (LayerTokens(frames, 1, 1, 1),))
        tokens = self.trunk.embed(pictures, frames)
        counts = []
        for block in range(self.trunk.shape.layers):
            tokens, count = self._run_block(self.trunk, block, tokens)
            counts.append(count)
        return TowerOutput(self.trunk.pool(tokens), tuple(counts))

    def _run_block(self, trunk: Trunk, block: int, tokens: Tokens) -> tuple[Tokens, LayerTokens]:
        reducer = self.reducer
        all_tokens = tokens.sequences * tokens.per_sequence
        with record_function(REDUCTION_LABEL):
            tokens = reducer.before_block(block, tokens)
        attended = tokens.per_sequence
        tokens, keys = _run_half(trunk, trunk.attend, block, tokens, with_keys=reducer.wants_keys(block))
        with record_function(REDUCTION_LABEL):
            tokens = reducer.after_attention(block, tokens, keys)
        entering = all_tokens // tokens.sequences
        count = LayerTokens(tokens.sequences, entering, attended, tokens.per_sequence)
        return _run_half(trunk, trunk.feed_forward, block, tokens), count


def _stand_in(tokens: Tokens, sources: Tensor, patches: int) -> Tokens:
    """Return the tokens of all frames of one video: frame t takes those of picture ``sources[t]``."""
    if tokens.origins is None:
        raise ValueError("the tokens lost their origins, which say where they come from")
    frames = torch.arange(len(sources), device=sources.device).unsqueeze(1)
    origins = patches * frames + tokens.origins[sources] % patches
    sizes = None if tokens.sizes is None else tokens.sizes[sources]
    return Tokens(tokens.values[sources], len(sources), tokens.class_tokens, sizes, origins)


def _run_half(trunk: Trunk, half: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
    """Return what half a block gives; a checkpointed tower keeps nothing of it, and computes it again.

    The reducer's choice between the halves is kept, and never made twice.
    """
    if trunk.is_checkpointed and torch.is_grad_enabled():
        result: R = checkpoint(partial(half, *arguments, **options), use_reentrant=False)
        return result
    return half(*arguments, **options)


def open_trunk(tower: nn.Module) -> Trunk:
    """Return ``tower`` in parts; raises ValueError, with the presets that work, if it does not come apart."""
    if isinstance(tower, VisionTransformer):
        return OpenClipTrunk(tower)
    if isinstance(tower, TimmModel):
        return open_timm_trunk(tower)
    raise irreducible(type(tower).__name__, "it is no vision transformer")


def can_reduce(tower: nn.Module) -> bool:
    """Tell whether the tower comes apart."""
    try:
        open_trunk(tower)
    except ValueError:
        return False
    return True


def _open_if_needed(tower: nn.Module, reducer: TokenReducer) -> Trunk | None:
    """Return the trunk; None for a tower that must, and may, run whole."""
    try:
        return open_trunk(tower)
    except ValueError:
        if reducer.needs_trunk:
            raise
        return None
