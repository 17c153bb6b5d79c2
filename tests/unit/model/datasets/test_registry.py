"""Datasets by name."""

from pathlib import Path

import pytest

from model.datasets.base import DatasetError
from model.datasets.registry import DATASETS, read_dataset


def test_a_name_or_split_there_is_not_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no dataset 'msrvtt': choose one of msr-vtt-9k, msr-vtt-7k, msvd"):
        read_dataset("msrvtt", tmp_path, "test")
    with pytest.raises(DatasetError, match="no split 'val': choose one of train, validation, test"):
        read_dataset("msvd", tmp_path, "val")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", DATASETS)
def test_an_empty_folder_is_told_what_to_put_there(tmp_path: Path, name: str) -> None:
    for split in ("train", "validation", "test"):
        with pytest.raises(DatasetError, match=rf"{tmp_path}"):
            read_dataset(name, tmp_path, split)
    with pytest.raises(DatasetError, match="is no folder: make it and put"):
        read_dataset(name, tmp_path / "absent", "test")
