"""How sure an answer is: every search measured against what search phrases in general reach in the library.

The method is in ``model.calibration.reach``. The vectors of the phrases are made once for each model, beside
the searches of a service that stays, and kept beside the index; until they are there nothing is claimed.
"""

import hashlib
import io
import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.background_work import BackgroundWork, IsStopped
from indexer.catalog import vector_codec
from model.calibration import certainty
from model.calibration.likeness import USUAL_COPY_COSINE, copy_cosine
from model.calibration.phrases import digest, search_phrases
from model.calibration.reach import Reach, measure_reach
from model.durable_file import write_durably

if TYPE_CHECKING:
    from indexer.vector_index.view import IndexView  # imports FAISS

SAMPLED_CLIPS = 2048
"""Clips that stand for the whole library; phrases are compared with them anew when it has changed: 30 ms."""

LEAST_SPREAD = 1e-5
"""Of scores; less is rounding: the clips are all alike."""

ENCODED_AT_ONCE = 16
"""Phrases: searches have their turn in between."""

log = logging.getLogger(__name__)


class Confidence(StrEnum):
    """How likely a hit shows what was asked for."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Aimed(Protocol):
    """What must be known of a search's target."""

    @property
    def vector(self) -> NDArray[np.float32]:
        """The unit vector (D,)."""
        ...

    @property
    def is_words(self) -> bool:
        """Whether it is one description and nothing else."""
        ...


class PhraseEncoder(Protocol):
    """The half of the model that reads words."""

    prompts: tuple[str, ...]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors (Q, D)."""
        ...


@dataclass(frozen=True)
class QueryLevel:
    """Where the scores of one search lie in one library."""

    ranking_vector: NDArray[np.float32]
    """What the index is asked with, (D,) unit: the target as it is, as no correction of hubs was better."""
    spread: float
    """Standard deviation of the library's scores: the unit of margins between hits."""
    reach: Reach | None = None
    """None: nothing can be claimed."""
    copy_cosine: float = USUAL_COPY_COSINE
    """From which on two clips count as copies of each other."""

    def confidence(self, ranking_score: float) -> Confidence | None:
        """Return how likely a hit of this score is right; None where that cannot be told."""
        if self.reach is None:
            return None
        share = certainty.probability_right(self.reach.margin(ranking_score), self.reach.clips)
        if share >= certainty.HIGH:
            return Confidence.HIGH
        return Confidence.MEDIUM if share >= certainty.MEDIUM else Confidence.LOW

    def is_nothing(self, best: float | None) -> bool:
        """Return whether the ``best`` score says that nothing fits; None: there is no hit at all."""
        if best is None:
            return True
        return self.reach is not None and self.reach.margin(best) < certainty.NOTHING


@dataclass(frozen=True)
class _Background:
    """What one revision of the library looks like to searches in general."""

    revision: int
    covariance: NDArray[np.float32]
    """Of its clips, (D, D): it gives the deviation of the scores of any search without looking at a clip."""
    reach: Reach | None
    copy_cosine: float
    has_bank: bool


class Calibrator:
    """Measures searches against a library; safe to use from many threads."""

    def __init__(self, text_encoder: PhraseEncoder, fingerprint: str, folder: Path) -> None:
        """Keep the phrases' vectors in ``folder``; ``fingerprint`` names the model that makes them."""
        self._text_encoder = text_encoder
        self._phrases = search_phrases()
        self._path = folder / f"phrases-{_key(fingerprint, text_encoder.prompts, self._phrases)}.npy"
        self._bank: NDArray[np.float32] | None = None
        self._background: _Background | None = None
        self._measuring, self._finding = threading.Lock(), threading.Lock()
        self._has_looked = self._may_encode = False
        self._encoding = BackgroundWork("search-phrases")

    @property
    def is_ready(self) -> bool:
        """Return whether the vectors of the phrases are known: hits carry no confidence until then."""
        return self._bank is not None

    def calibrate(self, view: "IndexView", target: Aimed) -> QueryLevel:
        """Return the level of ``target`` in the library that ``view`` shows.

        Confidence is for words alone: how well pictures match scatters otherwise.
        """
        background = self._look_at(view)
        variance = np.vecdot(vector_codec.cosines(background.covariance, target.vector), target.vector)
        spread = max(float(variance), 0.0) ** 0.5
        reach = background.reach if target.is_words else None
        return QueryLevel(
            target.vector, spread if spread > LEAST_SPREAD else 1.0, reach, background.copy_cosine
        )

    def prepare(self) -> None:
        """Get the vectors of the phrases, from disk or by encoding them, which takes seconds to a minute."""
        self._find_bank()
        if self._bank is None:
            self._encode(lambda: False)

    def prepare_when_needed(self) -> None:
        """From now on encode phrases that a search finds missing, aside: for a service that stays."""
        with self._finding:
            self._may_encode = True

    def close(self) -> None:
        """Give up encoding."""
        self._encoding.close()

    def _look_at(self, view: "IndexView") -> _Background:
        is_large = view.clip_count >= certainty.FEWEST_CLIPS
        if is_large and self._bank is None:
            self._find_bank()
        with self._measuring:
            known, bank = self._background, self._bank if is_large else None
            if known and known.revision == view.revision and known.has_bank == (bank is not None):
                return known
            _, sample = view.sample(SAMPLED_CLIPS)
            reach = None if bank is None else measure_reach(bank, sample, view.clip_count)
            copies = copy_cosine(sample)
            covariance = _covariance(sample)
            self._background = _Background(view.revision, covariance, reach, copies, bank is not None)
            return self._background

    def _find_bank(self) -> None:
        """Read the phrases' vectors, once; where there are none begin to make them, once, if that may be."""
        with self._finding:
            if not self._has_looked:
                self._has_looked = True
                self._bank = self._read()
            if self._bank is None and self._may_encode:
                self._may_encode = False
                self._encoding.start(self._encode_aside)

    def _encode_aside(self, is_stopped: IsStopped) -> None:
        try:
            self._encode(is_stopped)
        except Exception:  # searches are answered without it
            log.warning("answers carry no confidence: the search phrases were not encoded", exc_info=True)

    def _encode(self, is_stopped: IsStopped) -> None:
        parts = []
        for start in range(0, len(self._phrases), ENCODED_AT_ONCE):
            if is_stopped():
                return
            parts.append(self._text_encoder.encode(self._phrases[start : start + ENCODED_AT_ONCE]))
        bank = np.concatenate(parts)
        self._bank = bank
        self._keep(bank)

    def _read(self) -> NDArray[np.float32] | None:
        try:
            bank: NDArray[np.float32] = np.load(self._path, allow_pickle=False)
        except (OSError, ValueError):  # not there yet, or damaged: made anew
            return None
        is_whole = bank.shape[:1] == (len(self._phrases),) and bank.dtype == np.float32
        return bank if is_whole and bank.ndim == 2 and np.isfinite(bank).all() else None

    def _keep(self, bank: NDArray[np.float32]) -> None:
        content = io.BytesIO()
        np.save(content, bank, allow_pickle=False)
        try:
            write_durably(self._path, content.getvalue())
        except OSError as error:
            log.warning(
                "the vectors of the search phrases are not kept; the next start makes them again",
                extra={"action": "phrases_not_kept", "path": str(self._path), "reason": error.strerror},
            )


def _covariance(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the covariance (D, D) of vectors (N, D); none of fewer than two."""
    apart = vectors - vectors.mean(axis=0) if len(vectors) else vectors
    return np.asarray(apart.T @ apart / max(1, len(vectors)), np.float32)


def _key(fingerprint: str, prompts: Sequence[str], phrases: Sequence[str]) -> str:
    content = json.dumps([fingerprint, list(prompts), digest(phrases)])
    return hashlib.sha256(content.encode()).hexdigest()[:16]
