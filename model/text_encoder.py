"""Texts in, unit vectors out."""

from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

BATCH_SIZE = 64
"""Texts encoded at once, so that a long list needs no more memory than a short one."""


class Tokenizer(Protocol):
    """What open_clip's tokenizers do."""

    def __call__(self, texts: list[str], context_length: int | None = None) -> Tensor:
        """Return token ids (Q, ``context_length``), padded, or cut so that they fit."""
        ...


class TextEncoder:
    """The text side of an open_clip model; ``model`` is moved to ``device`` in place."""

    def __init__(self, model: nn.Module, tokenizer: Tokenizer, device: torch.device | str = "cpu") -> None:
        self._device = torch.device(device)
        self._model = cast(Any, model.to(self._device).eval())
        self._tokenizer = tokenizer
        self._context_length = int(self._model.context_length)
        self.dimension = self._encode_batch([""]).shape[1]

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, (Q, D); what is beyond the context of the model is not read.

        Raises ValueError for a single string, and if the weights give numbers that are not finite.
        """
        if isinstance(texts, str):
            raise ValueError(f"texts is the single string {texts[:40]!r}: pass a list of strings")
        batches = [texts[start : start + BATCH_SIZE] for start in range(0, len(texts), BATCH_SIZE)]
        empty = np.empty((0, self.dimension), dtype=np.float32)
        return np.concatenate([empty, *(self._encode_batch(batch) for batch in batches)])

    def truncates(self, text: str) -> bool:
        """Tell whether ``text`` has more tokens than the model reads, so that its end would be ignored."""
        room = self._context_length + 2  # 2: a tokenizer may pad with the very token that ends a text
        ids, padding = self._tokenizer([text, ""], context_length=room)
        return bool((ids[self._context_length :] != padding[-1]).any())

    @torch.inference_mode()
    def _encode_batch(self, texts: Sequence[str]) -> NDArray[np.float32]:
        ids = self._tokenizer(list(texts), context_length=self._context_length)  # (Q, context length)
        vectors = self._model.encode_text(ids.to(self._device)).float()
        array: NDArray[np.float32] = normalize(vectors, dim=-1).cpu().numpy()
        if not np.isfinite(array).all():
            raise ValueError("the text encoder gave numbers that are not finite: its weights are damaged")
        return array
