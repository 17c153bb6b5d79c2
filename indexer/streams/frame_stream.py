"""``python -m indexer.streams.frame_stream``: frames of the video files that a program asks for, as pixels.

Training and evaluation know no video library; they start this process, as they would any decoder. Each line
of standard input asks for one file, or for the part of it between two seconds (null: to its end)::

    {"path": "/videos/a.mp4", "start_s": 0.0, "end_s": null}

and is answered, in order, on standard output: by a record of the kind "frames" or by a refusal, in the
format of ``record_stream``. Several files are decoded at once, so that an answer may wait for further lines
or the end of the input. Decoding is that of an index: the same child process with limits for each file,
upright, by presentation time, in the same colours.

A file of which less than ``LEAST_SHARE`` of what was asked for decodes is refused, because what is said of
the whole need not hold for the rest. Above, what decodes is used: a missing second in a minute changes no
caption, containers with longer sound claim such a second without anything missing, and a dropped video would
make a set's figures incomparable with those of others.

Exit codes: 0 all told, 1 the reader went away, 2 wrong usage.
"""

import json
import os
import sys
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, NamedTuple

import typer
from rich.console import Console

from indexer.decoding.messages import DecodedFrames, DecodeSummary
from indexer.decoding.plans import FramePlan
from indexer.decoding.probe import VideoProbe
from indexer.decoding.sandbox import decode_frames
from indexer.errors import IndexingError
from indexer.streams.record_stream import (
    READER_GONE,
    WRONG_USAGE,
    Record,
    pixel_record,
    refusal_record,
    write_records,
)

MAX_REQUEST_BYTES = 64 * 1024
"""No path is as long."""

LEAST_SHARE = 0.9
"""Of the seconds asked for, so many must decode."""

DEFAULT_WORKERS = min(8, os.cpu_count() or 1)
"""Each decoder uses several cores for large pictures, and takes 100 MB and more."""

IMPOSSIBLE_SPAN, OUTSIDE_SPAN, INCOMPLETE = "impossible-span", "outside-span", "incomplete"
"""Codes of refusals that only asking for a part of a file, or for the whole, can bring about."""


class Request(NamedTuple):
    """A file, and the seconds of it that are wanted; None: to its end."""

    path: Path
    start_s: float
    end_s: float | None


def read_requests(stream: BinaryIO) -> Generator[Request]:
    """Yield what the lines of ``stream`` ask for; raises ValueError for a line that asks for nothing."""
    while line := stream.readline(MAX_REQUEST_BYTES):
        try:
            told = json.loads(line)
            end_s = None if told["end_s"] is None else float(told["end_s"])
            request = Request(Path(told["path"]), float(told["start_s"]), end_s)
        except (ValueError, KeyError, TypeError) as error:
            shown = line[:200].decode("ascii", errors="backslashreplace").strip()
            raise ValueError(f"{shown!r} asks for no file: write path, start_s and end_s") from error
        yield request


def answer_all(requests: Iterable[Request], whole: FramePlan, workers: int) -> Generator[Record]:
    """Yield a record for each request, in order, while up to ``workers`` files are decoded.

    ``whole`` is the plan for a whole file.
    """
    waiting = deque[Future[Record]]()
    with ThreadPoolExecutor(workers) as pool:  # a thread only waits for the child that decodes
        try:
            for request in requests:
                waiting.append(pool.submit(answer, request, whole))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def answer(request: Request, whole: FramePlan) -> Record:
    """Return the frames asked for, or why there are none."""
    path = request.path
    try:
        plan = replace(whole, start_s=request.start_s, end_s=request.end_s)
    except ValueError as error:
        return refusal_record(path, IMPOSSIBLE_SPAN, f"{path.name}: {error}")
    try:
        return read_frames(path, plan)
    except IndexingError as error:
        return refusal_record(path, error.code, str(error))


def read_frames(path: Path, plan: FramePlan) -> Record:
    """Return the frames of the file at ``path`` that ``plan`` asks for; raises IndexingError."""
    claimed_s, decoded_s, decoded = None, 0.0, None
    with decode_frames(path.absolute(), plan) as messages:
        for message in messages:
            if isinstance(message, VideoProbe):
                claimed_s = message.duration_s
            elif isinstance(message, DecodedFrames):
                decoded = message
            elif isinstance(message, DecodeSummary):
                decoded_s = message.decoded_seconds
    end_s = claimed_s or decoded_s
    asked_end_s = end_s if plan.end_s is None else min(plan.end_s, end_s)
    asked_s = asked_end_s - plan.start_s
    if asked_s > 0 and decoded_s - plan.start_s < LEAST_SHARE * asked_s:
        reason = f"{path.name} breaks off at {decoded_s:.1f} s of {asked_end_s:.1f} s: get a whole copy"
        return refusal_record(path, INCOMPLETE, reason)
    if decoded is None:
        reason = f"{path.name} ends at {decoded_s:.1f} s, and the span begins at {plan.start_s:g} s"
        return refusal_record(path, OUTSIDE_SPAN, reason)
    return pixel_record("frames", path, (plan.start_s, decoded_s), decoded.frames)


def main(
    size: Annotated[int, typer.Option(help="Pixels of each side of a frame.")] = 224,
    resize: Annotated[
        Literal["shortest", "squash"], typer.Option(help="Crop the centre, or squash the picture.")
    ] = "shortest",
    rate: Annotated[float, typer.Option(help="Frames of each second.")] = 3.0,
    most: Annotated[int, typer.Option(help="Frames of a file at most; more are thinned evenly.")] = 60,
    workers: Annotated[int, typer.Option(min=1, help="Files decoded at once.")] = DEFAULT_WORKERS,
) -> None:
    """Answer the requests of standard input on standard output; the module's docstring has the format."""
    try:
        plan = FramePlan(size, resize, rate, most)
        with (
            closing(read_requests(sys.stdin.buffer)) as requests,
            closing(answer_all(requests, plan, workers)) as records,
        ):
            write_records(sys.stdout.buffer, records)
    except BrokenPipeError as error:
        raise typer.Exit(READER_GONE) from error
    except ValueError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(WRONG_USAGE) from error


if __name__ == "__main__":
    typer.run(main)
