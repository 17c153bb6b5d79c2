"""The benchmark's figures, on two short films and fake encoders."""

from pathlib import Path

import pytest

from app.benchmark.indexing import measure_indexing
from app.benchmark.run import indexing_table, search_table
from app.benchmark.searching import measure_searching
from indexer.folders.walk import FoundFile
from tests.fakes import fake_encoders
from tests.service import Service
from tests.synthetic_video import write_not_a_video, write_two_scenes


def found(path: Path) -> FoundFile:
    return FoundFile(path, path.stat().st_size)


def test_every_stage_of_indexing_is_timed_and_refused_files_do_not_count(
    service: Service, tmp_path: Path
) -> None:
    files = [found(write_two_scenes(tmp_path / "film.mp4")), found(write_not_a_video(tmp_path / "text.mp4"))]
    figures = measure_indexing(service.library, fake_encoders(), files)
    assert (figures.files, figures.clips) == (1, 2)
    assert min(figures.video_s, figures.decode_s, figures.encode_s, figures.store_s) > 0
    assert figures.total_s >= figures.store_s
    assert indexing_table(figures, "none").row_count == 5


def test_a_folder_with_nothing_to_index_is_refused(service: Service, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none of the files could be indexed"):
        measure_indexing(service.library, fake_encoders(), [found(write_not_a_video(tmp_path / "text.mp4"))])


def test_searches_are_timed_over_http_with_new_and_with_known_words(service: Service) -> None:
    service.add_video(["a cat", "a dog"])
    figures = measure_searching(service.services)
    assert figures.clips == 2
    assert len(figures.new_words_ms) == len(figures.known_words_ms) == 100
    assert min(figures.new_words_ms + figures.known_words_ms) > 0
    assert search_table(figures).row_count == 2
