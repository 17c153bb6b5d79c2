"""An open_clip text tower taken apart, and run no further than the token that is read.

In a causal tower (CLIP, arXiv 2103.00020, section 2.4) a token sees itself and those before it, and the
vector is read at the token that ends the text. So nothing behind that token can change the vector: leaving it
out is exact. A tower whose tokens see each other (SigLIP, arXiv 2303.15343) is always run whole.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.transformer import CustomResidualAttentionBlock, ResidualAttentionBlock, TextTransformer
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

KNOWN_BLOCKS = (ResidualAttentionBlock, CustomResidualAttentionBlock)
"""In these a token sees others by attention alone, which obeys the mask."""

MIN_COSINE = 0.99999
"""What a tower taken apart must agree to with the model itself."""


class TextTower:
    """Token ids (Q, N) in, vectors (Q, D) of any length out, equal to those of the model's ``encode_text``.

    ``holder`` is the module with the parts: the model itself, or its ``text``.
    """

    def __init__(self, holder: Any, pool: str, eos_id: int) -> None:
        self.holder, self.pool, self._eos_id = holder, pool, eos_id
        self.is_causal = holder.attn_mask is not None

    def parts(self) -> list[nn.Module | Tensor]:
        """Return all that has weights."""
        holder = self.holder
        parts = [holder.token_embedding, holder.positional_embedding, holder.transformer, holder.ln_final]
        return parts if holder.text_projection is None else [*parts, holder.text_projection]

    def ends(self, ids: Tensor) -> Tensor:
        """Return where the vector of each text is read, (Q,)."""
        if self.pool == "argmax":  # the token that ends a text has the highest number
            return ids.argmax(1)
        if self.pool == "eos":
            return (ids == self._eos_id).int().argmax(1)
        return torch.full((len(ids),), 0 if self.pool == "first" else ids.shape[1] - 1, device=ids.device)

    def length(self, ends: Tensor) -> int:
        """Return how many tokens must be looked at for texts that are read at ``ends``."""
        return int(ends.max()) + 1 if self.is_causal else int(self.holder.context_length)

    def embed(self, ids: Tensor) -> Tensor:
        """Return what enters the first block, (Q, n, C), for ids (Q, n) cut at any n."""
        dtype = self.holder.transformer.get_cast_dtype()
        positions = self.holder.positional_embedding[: ids.shape[1]].to(dtype)
        embedded: Tensor = self.holder.token_embedding(ids).to(dtype) + positions
        return embedded

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what ``embed`` adds up: the vectors of all words (V, C) and of all places (N, C)."""
        words, places = self.holder.token_embedding.weight, self.holder.positional_embedding
        return words.detach().float().numpy(), places.detach().float().numpy()

    def __call__(self, ids: Tensor) -> Tensor:
        """Return the vectors (Q, D) of ids (Q, N)."""
        ends = self.ends(ids)
        length = self.length(ends)
        mask = self.holder.attn_mask[:length, :length] if self.is_causal else None
        tokens = self.holder.transformer(self.embed(ids[:, :length]), attn_mask=mask)  # (Q, n, C)
        read = self.holder.ln_final(tokens[torch.arange(len(ids), device=ids.device), ends])  # (Q, C)
        return _project(read, self.holder.text_projection)


@torch.inference_mode()
def take_apart(model: Any, ids: Tensor) -> TextTower | None:
    """Return the tower of ``model`` if its structure is known and it says the same of ``ids`` (Q, N)."""
    tower = _find_tower(model)
    if tower is None or not _is_known(tower):
        return None
    agreement = cosine_similarity(tower(ids).float(), model.encode_text(ids).float())
    return tower if bool((agreement >= MIN_COSINE).all()) else None


def _find_tower(model: Any) -> TextTower | None:
    if type(model) is CLIP:
        return TextTower(model, model.text_pool_type, model.text_eos_id)
    if type(model) is not CustomTextCLIP or type(model.text) is not TextTransformer:
        return None
    text: Any = model.text
    if text.cls_emb is not None or text.use_pad_mask:
        return None
    return TextTower(text, text.pool_type, text.eos_id)


def _project(read: Tensor, projection: nn.Linear | Tensor | None) -> Tensor:
    if projection is None:
        return read
    projected: Tensor = projection(read) if isinstance(projection, nn.Linear) else read @ projection
    return projected


def _is_known(tower: TextTower) -> bool:
    parts = tower.holder
    return (
        tower.pool != "none"
        and _is_causal_or_none(parts.attn_mask)
        and all(type(block) in KNOWN_BLOCKS for block in parts.transformer.resblocks)
    )


def _is_causal_or_none(mask: Tensor | None) -> bool:
    """Whether ``mask`` hides from each token all that come after it, and nothing else."""
    return mask is None or torch.equal(mask, torch.full_like(mask, float("-inf")).triu(1))
