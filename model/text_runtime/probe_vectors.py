"""What the float32 tower makes of the probe sentences, kept on disk: it is most of the work of a trial."""

import hashlib
import logging
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.durable_file import temporary_file
from model.text_runtime.probe_sentences import probe_sentences
from model.text_runtime.text_tower import TextTower

RunTower = Callable[[Tensor], Tensor]
"""Token ids (Q, N) in, vectors (Q, D) out."""

Encode = Callable[[Sequence[str], RunTower], NDArray[np.float32]]
"""Texts and the tower to run in, unit vectors (Q, D) out."""

ProbeVectors = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Unit vectors (Q, D) of the sentences as people search, and of their scenes in other words."""

log = logging.getLogger(__name__)


def probe_vectors(
    tower: TextTower, encode: Encode, prompts: Sequence[str], folder: Path | None
) -> ProbeVectors:
    """Return the vectors of ``tower``, out of ``folder`` if they are there, and written there if not."""
    if folder is None:
        return _encode(tower, encode)
    path = folder / f"text-probe-{_key(tower, prompts)}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return stored["asked"], stored["told"]
    except FileNotFoundError:
        log.debug("%s is not there yet", path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.info("%s cannot be read (%s) and is written anew", path, error)
    vectors = _encode(tower, encode)
    try:
        with temporary_file(folder) as temporary:
            np.savez(temporary.stream, asked=vectors[0], told=vectors[1])
            temporary.publish(path)
    except OSError as error:
        log.info("%s was not written (%s): the next start takes as long as this one", path, error)
    return vectors


def _encode(tower: TextTower, encode: Encode) -> ProbeVectors:
    asked, told = probe_sentences()
    return encode(asked, tower), encode(told, tower)


def _key(tower: TextTower, prompts: Sequence[str]) -> str:
    """Return what these vectors depend on: weights, prompts, sentences and the version of torch."""
    digest = hashlib.sha256(repr((torch.__version__, tuple(prompts), probe_sentences())).encode())
    for part in tower.parts():
        tensors = part.state_dict() if isinstance(part, nn.Module) else {"": part}
        for name, tensor in tensors.items():
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(tensor.detach().float().cpu().contiguous().numpy().data)
    return digest.hexdigest()[:16]
