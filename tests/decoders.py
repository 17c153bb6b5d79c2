"""Decoding children that do something else than decode, in an otherwise real sandbox."""

import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from indexer.decoding.spawner_pool import SpawnerPool

CONFINED, UNCONFINED = "decode", "run"
"""Which function of the child to replace: the one that decodes, or the one that also confines it first."""

_PARAMETERS = {CONFINED: "path, plan", UNCONFINED: "path, plan, limits, stream"}


@contextmanager
def spawners_of(body: str, replaced: str = UNCONFINED) -> Iterator[SpawnerPool]:
    """Yield spawners whose children run the lines of `body` instead."""
    with spawners_with(
        f"def instead({_PARAMETERS[replaced]}):\n"
        f"{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
        f"child.{replaced} = instead\n"
    ) as pool:
        yield pool


@contextmanager
def spawners_with(preparation: str = "") -> Iterator[SpawnerPool]:
    """Yield spawners that run the lines `preparation` before they serve."""
    script = (
        "import ctypes, json, mmap, os, resource, signal, socket, subprocess, sys, threading, time\n"
        "from indexer.decoding import child, spawner\n"
        "from indexer.decoding.messages import DecodedClip\n"
        f"{preparation}\nspawner.main()\n"
    )
    pool = SpawnerPool([sys.executable, "-P", "-c", script])
    try:
        yield pool
    finally:
        pool.close()
