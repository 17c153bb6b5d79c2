"""open_clip's own VisionTransformer (OpenAI, LAION, DataComp, MetaCLIP weights) in parts."""

from dataclasses import replace

import torch
from open_clip.transformer import AttentionalPooler, PatchDropout, ResidualAttentionBlock, VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import linear

from model.fused_attention import fused_attention, size_bias, split_heads
from model.lora import LowRankAttention
from model.token_reduction.base import Tokens, TowerShape
from model.vision_transformer.chunks import add_in_chunks
from model.vision_transformer.patch_mean import mean_patch, normalise_parts
from model.vision_transformer.trunk import TrunkCost, irreducible


class OpenClipTrunk:
    """A Trunk of an open_clip VisionTransformer with ordinary blocks.

    Class tokens are pooled one by one; a tower that pools patches, or by attention (CoCa), gives one vector
    a sequence. Raises ValueError for a tower with other blocks, or one that gives no vector a picture.
    """

    def __init__(self, tower: VisionTransformer) -> None:
        blocks = list(tower.transformer.resblocks)
        if not all(isinstance(block, ResidualAttentionBlock) for block in blocks):
            raise irreducible("VisionTransformer", f"its blocks are {type(blocks[0]).__name__}s")
        if tower.proj is None or tower.pool_type == "none":
            reason = f"it gives no projected vector a picture (pool_type {tower.pool_type!r})"
            raise irreducible("VisionTransformer", reason)
        self._tower = tower
        self._blocks = blocks
        self._pools_each_class_token = tower.pool_type == "tok" and tower.attn_pool is None

    @property
    def shape(self) -> TowerShape:
        """One class token, and the patches of the grid."""
        rows, columns = self._tower.grid_size
        return TowerShape(len(self._blocks), int(rows * columns), 1)

    @property
    def width(self) -> int:
        """C: the filters of the patch embedding."""
        return int(self._tower.conv1.out_channels)

    @property
    def dimension(self) -> int:
        """D of the projection."""
        return int(self._tower.output_dim)

    @property
    def cost(self) -> TrunkCost:
        """Multiply-accumulates of the parts (MODEL-SPEC 7.1)."""
        pool_width, dimension = self._tower.proj.shape
        width = self.width
        pooler = self._tower.attn_pool
        queries = 0 if pooler is None else len(pooler.query)
        pool_token = 0 if pooler is None else 2 * pool_width * (width + queries)
        return TrunkCost(
            embed_picture=self.shape.patches * self._tower.conv1.weight.numel(),
            project_token=4 * width**2,
            attend_pair=2 * width,
            feed_forward_token=2 * width * self._blocks[0].mlp.c_fc.out_features,
            pool_token=pool_token,
            pool_vector=pool_width * dimension + 2 * queries * pool_width**2,
        )

    @property
    def is_checkpointed(self) -> bool:
        """The tower's flag."""
        return bool(self._tower.transformer.grad_checkpointing)

    def embed(self, pictures: Tensor, frames: int) -> Tokens:
        """Return the tokens (B*T, 1+N, C) of pictures (B*T, 3, H, W); raises ValueError if it drops some."""
        dropout = self._tower.patch_dropout
        if isinstance(dropout, PatchDropout) and dropout.training and dropout.prob > 0:
            raise ValueError(
                f"the tower drops patches at random while it trains (patch_dropout {dropout.prob}), and a "
                "reducer counts on all of them: put the tower in evaluation, or its patch_dropout to 0"
            )
        return Tokens(self._tower._embeds(pictures), frames, class_tokens=1)

    def attend(self, block: int, tokens: Tokens, *, with_keys: bool) -> tuple[Tokens, Tensor | None]:
        """Return x + Attention(LayerNorm(x)) and, if asked, the head-mean keys (B*S, n, C/heads)."""
        parts = self._blocks[block]
        heads = parts.attn.num_heads
        mean_keys: list[Tensor] = []

        def attention(values: Tensor, rows: slice) -> Tensor:
            queries, keys, seen = split_heads(_project(parts.attn, parts.ln_1(values)), heads)
            if with_keys:
                mean_keys.append(keys.mean(1))
            sizes = None if tokens.sizes is None else tokens.sizes[rows]
            attended = parts.attn.out_proj(fused_attention(queries, keys, seen, sizes))
            return parts.ls_1(attended)  # type: ignore[no-any-return]

        values = add_in_chunks(attention, tokens.values)
        return replace(tokens, values=values), torch.cat(mean_keys) if with_keys else None

    def feed_forward(self, block: int, tokens: Tokens) -> Tokens:
        """Return x + MLP(LayerNorm(x))."""
        parts = self._blocks[block]

        def widen_and_narrow(values: Tensor, _: slice) -> Tensor:
            return parts.ls_2(parts.mlp(parts.ln_2(values)))  # type: ignore[no-any-return]

        return replace(tokens, values=add_in_chunks(widen_and_narrow, tokens.values, rows_are_tokens=True))

    def pool(self, tokens: Tokens) -> Tensor:
        """Return projected vectors (B*V, D): of each class token, or of each sequence."""
        tower = self._tower
        if self._pools_each_class_token:
            class_tokens = tokens.values[:, : tokens.class_tokens].flatten(0, 1)  # (B*S*c, C)
            return tower.ln_post(class_tokens) @ tower.proj  # type: ignore[no-any-return]
        if isinstance(tower.attn_pool, AttentionalPooler):
            pooled, _ = tower._global_pool(tower.ln_post(_pool_by_attention(tower.attn_pool, tokens)))
        elif tower.final_ln_after_pool:
            pooled = tower.ln_post(mean_patch(tokens.values, tokens))
        else:
            pooled = mean_patch(tower.ln_post(tokens.values), tokens)
        return pooled @ tower.proj  # type: ignore[no-any-return]

    def divide(self, tokens: Tokens) -> Tensor | None:
        """Return the parts (B*S, n-c, D) of the vectors of a tower that averages its patches."""
        tower = self._tower
        if self._pools_each_class_token or tower.attn_pool is not None:
            return None
        patches = tokens.values[:, tokens.class_tokens :]
        if tower.final_ln_after_pool:
            parts = normalise_parts(tower.ln_post, patches, mean_patch(tokens.values, tokens))
        else:
            parts = tower.ln_post(patches)
        return parts @ tower.proj  # type: ignore[no-any-return]

    def count_vectors(self, class_tokens: int) -> int:
        """Return one vector a class token, or one a sequence."""
        return class_tokens if self._pools_each_class_token else 1


def _project(attention: nn.MultiheadAttention, values: Tensor) -> Tensor:
    if isinstance(attention, LowRankAttention):
        return attention.project(values)
    return linear(values, attention.in_proj_weight, attention.in_proj_bias)


def _pool_by_attention(pooler: AttentionalPooler, tokens: Tokens) -> Tensor:
    """Return what the pooler's queries see of the tokens (P, queries, D), each token weighed by its size."""
    seen = pooler.ln_k(tokens.values)  # (P, n, C)
    queries = pooler.ln_q(pooler.query).expand(seen.shape[0], -1, -1)  # (P, queries, D)
    bias = size_bias(tokens.sizes, seen.dtype)
    if bias is not None:
        bias = bias.expand(-1, pooler.attn.num_heads, queries.shape[1], -1).flatten(0, 1)
    pooled: Tensor = pooler.attn(queries, seen, seen, need_weights=False, attn_mask=bias)[0]
    return pooled
