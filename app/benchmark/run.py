"""One benchmark from folder to figures, in a library of its own that is deleted afterwards."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.table import Table

from app.benchmark.indexing import IndexingFigures, measure_indexing
from app.benchmark.searching import SearchFigures, measure_searching
from app.config import ServiceSettings
from app.dependencies import assemble_services
from indexer.folders.walk import FoundFile, walk_videos
from indexer.library import open_library
from model.factory import load_encoders


def run_benchmark(settings: ServiceSettings, folder: Path, console: Console) -> None:
    """Index and search ``folder`` in a temporary library and print the figures.

    Raises ValueError for a folder without a video that can be indexed.
    """
    files = [file for file in walk_videos(folder) if isinstance(file, FoundFile)]
    if not files:
        raise ValueError(f"{folder} holds no video file: name a folder that does")
    encoders = load_encoders(settings.model, reduction=settings.reduction, device=settings.device)
    with TemporaryDirectory(prefix="reelseek-bench-") as home:
        own = settings.model_copy(update={"home": Path(home), "database_url": None})
        library = open_library(own)
        try:
            indexing = measure_indexing(library, encoders, files)
            services = assemble_services(own, library, encoders)
            searching = measure_searching(services)
            services.close()
        finally:
            library.close()
    console.print(indexing_table(indexing, encoders.settings.reduction), search_table(searching))


def indexing_table(figures: IndexingFigures, reduction: str) -> Table:
    """Return seconds and speed of each stage; the speed is seconds of video a second."""
    what = f"{figures.files} files, {figures.clips} clips, {figures.video_s / 60:.1f} min"
    table = Table(title=f"Indexing {what} ({reduction})")
    for heading in ("stage", "seconds", "× real time"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    stages = {
        "decode (alone)": figures.decode_s,
        "reduce": figures.reduce_s,
        "encode": figures.encode_s,
        "store": figures.store_s,
        "all, overlapped": figures.total_s,
    }
    for stage, seconds in stages.items():
        speed = f"{figures.video_s / seconds:,.0f}" if seconds else "–"
        table.add_row(stage, f"{seconds:.2f}", speed)
    return table


def search_table(figures: SearchFigures) -> Table:
    """Return the percentiles of the requests' times."""
    table = Table(title=f"GET /search over {figures.clips} clips, one request at a time")
    for heading in ("words", "p50 ms", "p95 ms"):
        table.add_column(heading, justify="left" if heading == "words" else "right")
    for words, times in (("new", figures.new_words_ms), ("asked before", figures.known_words_ms)):
        table.add_row(words, *(f"{value:.1f}" for value in np.percentile(times, [50, 95])))
    return table
