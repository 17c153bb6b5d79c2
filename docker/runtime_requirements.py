"""Writes what the image installs: the runtime requirements of pyproject.toml at their locked versions.

Run beside those two files: ``python runtime_requirements.py cpu|cuda``. The variants differ in FAISS only:
``faiss-gpu`` brings CUDA libraries of its own, which an image without a GPU need not carry.
"""

import re
import sys
import tomllib
from pathlib import Path

UNWANTED = {"cpu": "faiss-gpu", "cuda": "faiss-cpu"}


def canonical(name: str) -> str:
    """Return a package's name as package registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_versions(lock: str) -> dict[str, str]:
    """Return canonical name → exact version, whatever platform a line is for."""
    pins = (line.partition(";")[0].strip().split("==") for line in lock.splitlines() if "==" in line)
    return {canonical(name): version for name, version in pins}


def runtime_requirements(variant: str) -> list[str]:
    """Return ``name[extras]==version`` of each dependency; raises ValueError for an unknown variant."""
    if variant not in UNWANTED:
        raise ValueError(f"TORCH_VARIANT is {variant!r}: choose one of {', '.join(UNWANTED)}")
    versions = locked_versions(Path("requirements.lock").read_text())
    dependencies = tomllib.loads(Path("pyproject.toml").read_text())["project"]["dependencies"]
    names = [re.split(r"[<>=!~;\s]", dependency, maxsplit=1)[0] for dependency in dependencies]
    wanted = [name for name in names if name != UNWANTED[variant]]
    return [f"{name}=={versions[canonical(name.partition('[')[0])]}" for name in wanted]


if __name__ == "__main__":
    sys.stdout.write("\n".join(runtime_requirements(sys.argv[1])) + "\n")
