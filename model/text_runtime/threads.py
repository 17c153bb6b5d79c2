"""How many threads one query takes."""

import os

import torch

MAX_QUERY_THREADS = 4
"""A sentence is a few tokens: more threads than this wait for each other."""


def usable_processors() -> int:
    """Return the number of processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def query_threads() -> int:
    """Return how many threads a query computes with: every processor, as far as that makes it faster."""
    return min(MAX_QUERY_THREADS, usable_processors())


def concurrent_queries() -> int:
    """Return how many queries are computed at once, so that together they fill the processors."""
    return max(1, usable_processors() // query_threads())


def limit_threads() -> None:
    """Let torch use no more than ``query_threads`` in the calling thread, and in those that begin later.

    Each thread that calls torch gets helpers of its own: with a few dozen request threads they are hundreds.
    """
    torch.set_num_threads(min(torch.get_num_threads(), query_threads()))
