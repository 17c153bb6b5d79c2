"""Decoding children that do something else than decode, in an otherwise real sandbox."""

import atexit
import json
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from indexer.decoding.spawner_pool import SpawnerPool

CONFINED, UNCONFINED = "decode", "run"
"""Which function of the child to replace: the one that decodes, or the one that also confines it first."""

_PARAMETERS = {CONFINED: "path, plan", UNCONFINED: "path, plan, limits, stream"}

_DO_AS_TOLD = """
usual = child.run

def do_as_told(path, plan, limits, stream):
    exec(json.loads(open({order!r}).read()), globals())
    return (usual if child.run is do_as_told else child.run)(path, plan, limits, stream)

child.run = do_as_told
"""


@contextmanager
def spawners_of(body: str, replaced: str = UNCONFINED) -> Iterator[SpawnerPool]:
    """Yield spawners, not those of another test, whose children run the lines of `body` instead."""
    with spawners_with(_replacement(body, replaced)) as pool:
        yield pool


@contextmanager
def children_that(body: str, replaced: str = UNCONFINED, preparation: str = "") -> Iterator[SpawnerPool]:
    """Yield spawners, warm from other tests, whose children run the lines of `body` instead."""
    with children_after(f"{preparation}\n{_replacement(body, replaced)}") as pool:
        yield pool


@contextmanager
def children_after(preparation: str) -> Iterator[SpawnerPool]:
    """Yield spawners, warm from other tests, whose children run the lines `preparation` first.

    Each child is a fresh fork and reads anew what to do, so one such block at a time.
    """
    order, pool = _warm_spawners()
    assert not order.exists(), "another block says already what children do"
    order.write_text(json.dumps(preparation))
    try:
        yield pool
    finally:
        order.unlink()


@contextmanager
def spawners_with(preparation: str = "") -> Iterator[SpawnerPool]:
    """Yield spawners that run the lines `preparation` before they serve."""
    pool = _pool(preparation)
    try:
        yield pool
    finally:
        pool.close()


@cache
def _warm_spawners() -> tuple[Path, SpawnerPool]:
    """Return the file that tells children what to do, and their spawners."""
    folder = tempfile.mkdtemp(prefix="told-children-")
    atexit.register(shutil.rmtree, folder)
    order = Path(folder) / "order.json"
    return order, _pool(_DO_AS_TOLD.format(order=str(order)))


def _pool(preparation: str) -> SpawnerPool:
    script = (
        "import ctypes, json, mmap, os, resource, signal, socket, subprocess, sys, threading, time\n"
        "from indexer.decoding import child, spawner\n"
        "from indexer.decoding.messages import DecodedClip\n"
        f"{preparation}\nspawner.main()\n"
    )
    return SpawnerPool([sys.executable, "-P", "-c", script])


def _replacement(body: str, replaced: str) -> str:
    return (
        f"def instead({_PARAMETERS[replaced]}):\n"
        f"{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
        f"child.{replaced} = instead\n"
    )
