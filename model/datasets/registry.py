"""The datasets by name, each with the function that reads its official annotation files."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias, get_args

from model.datasets.activitynet import read_activitynet
from model.datasets.base import Dataset, DatasetError, Split
from model.datasets.captions_folder import read_folder
from model.datasets.didemo import read_didemo
from model.datasets.lsmdc import read_lsmdc
from model.datasets.msr_vtt import read_7k, read_9k
from model.datasets.msvd import read_msvd
from model.datasets.pans import read_pans
from model.datasets.photograph_sets import read_photographs

Reader: TypeAlias = Callable[[Path, Split], Dataset]

DATASETS: Mapping[str, Reader] = MappingProxyType(
    {
        "msr-vtt-9k": read_9k,
        "msr-vtt-7k": read_7k,
        "msvd": read_msvd,
        "lsmdc": read_lsmdc,
        "activitynet": read_activitynet,
        "didemo": read_didemo,
        "pans": read_pans,
        "photographs": read_photographs,
        "folder": read_folder,
    }
)


def read_dataset(name: str, root: Path, split: Split) -> Dataset:
    """Return a split of the dataset whose annotation files and videos lie anywhere under ``root``.

    Raises DatasetError for a name or split there is not, and for annotation files that are missing, malformed
    or of no use at all; what cannot be used of the others is in the dataset's refusals.
    """
    if name not in DATASETS:
        raise DatasetError(f"there is no dataset {name!r}: choose one of {', '.join(DATASETS)}")
    if split not in get_args(Split):
        raise DatasetError(f"there is no split {split!r}: choose one of {', '.join(get_args(Split))}")
    return DATASETS[name](root, split)
