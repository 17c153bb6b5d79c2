"""Texts in, unit vectors out."""

import logging
import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.prompts import AS_TYPED, check_prompts, fill
from model.text_runtime.probe_vectors import RunTower
from model.text_runtime.selection import fastest_tower
from model.text_runtime.text_tower import take_apart
from model.text_runtime.threads import limit_threads

log = logging.getLogger(__name__)

BATCH_SIZE = 64
"""Sentences encoded at once, so that a long list needs no more memory than a short one."""

CHARACTERS_PER_TOKEN = 8
"""More than tokens have on average: a text is looked at up to here first, to see what is read of it."""

TRIAL_BATCH = 8
"""Sentences between two looks whether a trial of a faster way is to be given up."""

ROOM = 2
"""Tokens beyond the context that are asked for, to see whether a text needs them."""


SHORTEST = np.float32(1e-12)
"""Vectors are never divided by less."""


class Tokenizer(Protocol):
    """What open_clip's tokenizers do."""

    def __call__(self, texts: list[str], context_length: int | None = None) -> Tensor:
        """Return token ids (Q, ``context_length``), padded, or cut so that they fit."""
        ...


class TextEncoder:
    """The text side of an open_clip model; ``model`` is moved to ``device`` in place.

    Each text is put into every one of ``prompts``, and its vector is the mean of the unit vectors of these
    sentences, made unit (CLIP, arXiv 2103.00020, section 3.1.4). Raises ValueError for prompts that hold no
    place for the text, or that leave no room for it.

    Causal towers are run up to the end of the text only, which is exact. ``prepare`` may find a faster way.
    """

    runtime = "torch"
    """What computes now, in words."""

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        device: torch.device | str = "cpu",
        prompts: Sequence[str] = AS_TYPED,
    ) -> None:
        self._device = torch.device(device)
        self._model = cast(Any, model.to(self._device).eval())
        self._tokenizer = tokenizer
        self._context_length = int(self._model.context_length)
        self._padding = int(tokenizer([""], context_length=self._context_length + ROOM)[0, -1])
        self.prompts = check_prompts(prompts)
        self._check_room()
        self._tower = take_apart(self._model, self._tokenize(["a"])[0].to(self._device))
        self._run: RunTower = self._tower or self._model.encode_text
        self.dimension = self.encode([""]).shape[1]

    @property
    def logit_scale(self) -> float:
        """What the model was trained to multiply its cosines with, about 100."""
        return math.exp(self._model.logit_scale.item())

    def with_prompts(self, prompts: Sequence[str]) -> "TextEncoder":
        """Return an encoder of the same model with other prompts; raises ValueError as this class does."""
        return TextEncoder(self._model, self._tokenizer, self._device, prompts)

    def prepare(self, folder: Path | None = None, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Let ONNX Runtime serve from now on: on a CPU, where it is installed and ranks as the model does.

        This takes seconds, in which the encoder serves as before: call it in a thread of its own. It takes
        less when something is found in ``folder`` that an earlier call left there. When ``is_stopped`` says
        so it is given up. Whatever goes wrong is logged, and nothing changes.
        """
        if self._tower is None or self._device.type != "cpu":
            return
        limit_threads()
        try:
            faster = fastest_tower(self._tower, partial(self._try, is_stopped), self.prompts, folder)
            if faster is not None:
                self._run, self.runtime = faster, faster.name
        except InterruptedError:
            log.debug("the service closes before a faster way was tried")
        except Exception:  # a search must not fail for want of speed
            log.warning("words are encoded by torch: no faster way could be tried", exc_info=True)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, (Q, D), of its ``readable_part``.

        Raises ValueError for a single string, and if the weights give numbers that are not finite.
        """
        if isinstance(texts, str):
            raise ValueError(f"texts is the single string {texts[:40]!r}: pass a list of strings")
        return self._encode_all(texts, self._run)

    def encode_readable(self, text: str) -> tuple[NDArray[np.float32], str]:
        """Return the unit vector (D,) of one text and its ``readable_part``, in less time than both take.

        Raises ValueError if the weights give numbers that are not finite.
        """
        if len(text) <= CHARACTERS_PER_TOKEN * self._context_length:
            ids, is_whole = self._tokenize([text])
            if is_whole.all():
                return self._encode_ids(ids, self._run)[0], text
        read = self.readable_part(text)
        return self.encode([read])[0], read

    def readable_part(self, text: str) -> str:
        """Return ``text``, or as much of its beginning as the model reads inside every prompt.

        That is whole words, except where a word is so long that they would be less than half of it.
        """
        size = min(len(text), CHARACTERS_PER_TOKEN * self._context_length)
        while self._fits(text[:size]):
            if size == len(text):
                return text
            size = min(2 * size, len(text))
        end = bisect_left(range(size), True, key=lambda length: not self._fits(text[:length])) - 1
        part = text[:end].rstrip()
        if text[len(part)].isspace():
            return part
        words = part.rsplit(maxsplit=1)[0] if part else ""
        return words if 2 * len(words) >= len(part) else part

    def _try(
        self, is_stopped: Callable[[], bool], texts: Sequence[str], run: RunTower
    ) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(texts), TRIAL_BATCH):
            if is_stopped():
                raise InterruptedError
            parts.append(self._encode_all(texts[start : start + TRIAL_BATCH], run))
        return np.concatenate(parts)

    def _encode_all(self, texts: Sequence[str], run: RunTower) -> NDArray[np.float32]:
        size = max(1, BATCH_SIZE // len(self.prompts))
        batches = [texts[start : start + size] for start in range(0, len(texts), size)]
        vectors = [self._encode_ids(self._tokenize_readable(batch), run) for batch in batches]
        return np.concatenate(vectors) if vectors else np.empty((0, self.dimension), dtype=np.float32)

    @torch.inference_mode()
    def _encode_ids(self, ids: Tensor, run: RunTower) -> NDArray[np.float32]:
        """Return the unit vectors (Q, D) of the ids (Q*P, N) of texts in every prompt."""
        vectors = _unit(run(ids.to(self._device)).float().cpu().numpy())  # (Q*P, D)
        means = _unit(vectors.reshape(-1, len(self.prompts), vectors.shape[1]).mean(1))
        if not np.isfinite(means).all():
            raise ValueError("the text encoder gave numbers that are not finite: its weights are damaged")
        return means

    def _tokenize_readable(self, texts: Sequence[str]) -> Tensor:
        ids, is_whole = self._tokenize(texts)
        return ids if is_whole.all() else self._tokenize([self.readable_part(text) for text in texts])[0]

    def _fits(self, text: str) -> bool:
        return bool(self._tokenize([text])[1].all())

    def _tokenize(self, texts: Sequence[str]) -> tuple[Tensor, NDArray[np.bool_]]:
        """Return the ids (Q*P, context length) of every text in every prompt, and which are whole (Q*P,).

        One that is not has other ids, or more of them, when there is more room. The former must be looked at
        too, unless all texts end well before: a tokenizer may pad with the very token that ends a text.
        """
        sentences = [sentence for text in texts for sentence in fill(self.prompts, text)]
        roomy = self._tokenizer(sentences, context_length=self._context_length + ROOM).numpy()
        if (roomy[:, self._context_length - 1 :] == self._padding).all():
            return torch.from_numpy(roomy[:, : self._context_length]), np.ones(len(roomy), np.bool_)
        ids = self._tokenizer(sentences, context_length=self._context_length)
        is_same = (roomy[:, : self._context_length] == ids.numpy()).all(1)
        return ids, is_same & (roomy[:, self._context_length :] == self._padding).all(1)

    def _check_room(self) -> None:
        fits = self._tokenize(["a"])[1]
        for prompt, is_whole in zip(self.prompts, fits, strict=True):
            if not is_whole:
                raise ValueError(
                    f"the prompt {prompt!r} leaves no room for words in the {self._context_length} tokens "
                    "that the model reads: shorten it"
                )


@np.errstate(invalid="ignore")
def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors (N, D) at length 1; those of no length stay, of those of no end numbers are missing."""
    lengths = np.sqrt(np.vecdot(vectors, vectors))
    unit: NDArray[np.float32] = vectors / np.maximum(lengths, SHORTEST)[:, None]
    return unit
