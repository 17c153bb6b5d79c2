"""A vision transformer of a few fixed weights, which calls a reducer's hooks where a real tower does."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, pixel_unshuffle

from model.token_reduction.base import LayerTokens, TokenReducer, Tokens, TowerShape

CHANNELS = 16
HEADS = 2
PATCH_SIDE = 2


@dataclass(frozen=True)
class Run:
    """What became of B videos."""

    tokens: Tokens
    """After the last block."""
    vectors: Tensor
    """(B*V, C), one a frame or sequence that is left."""
    counts: tuple[LayerTokens, ...]
    """As measured."""


class StandInTower:
    """Blocks of attention and MLP, the sequences' vectors the mean of their class tokens or of all tokens."""

    def __init__(
        self, shape: TowerShape, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu"
    ) -> None:
        self.shape = shape
        generator = torch.Generator().manual_seed(1)

        def weight(*lengths: int) -> Tensor:
            drawn: Tensor = torch.randn(lengths, generator=generator) / lengths[-2] ** 0.5
            return drawn.to(device, dtype)

        self.embedding = weight(3 * PATCH_SIDE**2, CHANNELS)
        self.positions = weight(shape.class_tokens + shape.patches, CHANNELS)
        self.project = weight(shape.layers, CHANNELS, 3 * CHANNELS)
        self.widen = weight(shape.layers, CHANNELS, 2 * CHANNELS)
        self.narrow = weight(shape.layers, 2 * CHANNELS, CHANNELS)

    def run(self, reducer: TokenReducer, pictures: Tensor, frames: int) -> Run:
        """Encode pictures (B*T, 3, H, W)."""
        choice = reducer.choose_frames(pictures, frames)
        if choice is not None:
            pictures, frames = pictures[choice.encoded], choice.frames
        tokens, counts = self.run_blocks(reducer, self.embed(pictures, frames))
        pooled = tokens.values[:, : tokens.class_tokens or None].mean(1)
        if choice is not None and choice.sources is not None:
            pooled = pooled[choice.sources]
        return Run(tokens, pooled, counts)

    def run_blocks(self, reducer: TokenReducer, tokens: Tokens) -> tuple[Tokens, tuple[LayerTokens, ...]]:
        """Return the tokens after the last block, and how many there were in each."""
        counts = []
        for block in range(self.shape.layers):
            before = tokens.sequences * tokens.per_sequence
            tokens = reducer.before_block(block, tokens)
            attended = tokens.per_sequence
            tokens, keys = self.attend(block, tokens)
            tokens = reducer.after_attention(block, tokens, keys if reducer.wants_keys(block) else None)
            entering = before // tokens.sequences
            counts.append(LayerTokens(tokens.sequences, entering, attended, tokens.per_sequence))
            tokens = self.feed_forward(block, tokens)
        return tokens, tuple(counts)

    def embed(self, pictures: Tensor, frames: int) -> Tokens:
        """Return class tokens, which are the same in all frames, and patches with their places."""
        patches = pixel_unshuffle(pictures, PATCH_SIDE).flatten(2).mT @ self.embedding  # (P, N, C)
        classes = patches.new_zeros(len(patches), self.shape.class_tokens, CHANNELS)
        origins = torch.arange(self.shape.patches, device=pictures.device).expand(len(patches), -1)
        values = torch.cat([classes, patches], dim=1) + self.positions
        return Tokens(values, frames, self.shape.class_tokens, origins=origins)

    def attend(self, block: int, tokens: Tokens) -> tuple[Tokens, Tensor]:
        """Return x + Attention(LayerNorm(x)), with the sizes' logarithm as bias, and the heads' mean keys."""
        projected = layer_norm(tokens.values, (CHANNELS,)) @ self.project[block]
        queries, keys, values = projected.unflatten(2, (3, HEADS, -1)).permute(
            2, 0, 3, 1, 4
        )  # (P, h, n, C/h)
        logits = queries @ keys.mT * keys.shape[3] ** -0.5  # (P, h, n, n)
        if tokens.sizes is not None:
            logits = logits + tokens.sizes.log()[:, None, None, :].to(logits.dtype)
        mixed = (logits.softmax(3) @ values).transpose(1, 2).flatten(2)  # (P, n, C)
        return replace(tokens, values=tokens.values + mixed), keys.mean(1)

    def feed_forward(self, block: int, tokens: Tokens) -> Tokens:
        """Return x + MLP(LayerNorm(x))."""
        hidden = gelu(layer_norm(tokens.values, (CHANNELS,)) @ self.widen[block])
        return replace(tokens, values=tokens.values + hidden @ self.narrow[block])


class BareTower(StandInTower):
    """Blocks that change nothing: what a token is in the end, the reducer made of it."""

    def attend(self, block: int, tokens: Tokens) -> tuple[Tokens, Tensor]:
        """Return the tokens, which are their own keys."""
        return tokens, tokens.values

    def feed_forward(self, block: int, tokens: Tokens) -> Tokens:
        """Return the tokens."""
        return tokens
