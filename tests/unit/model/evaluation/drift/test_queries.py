"""The queries that rankings are compared by."""

from pathlib import Path

import pytest

from model.evaluation.drift.queries import EVERYDAY_QUERIES, read_queries


def test_the_built_in_queries_differ() -> None:
    assert len(set(EVERYDAY_QUERIES)) == len(EVERYDAY_QUERIES) == 40
    assert all(query == query.strip() for query in EVERYDAY_QUERIES)


def test_a_file_of_queries_has_one_a_line_and_may_have_gaps(tmp_path: Path) -> None:
    path = tmp_path / "queries.txt"
    path.write_text("\ufeffa dog\n\n  ein Hund läuft \n", encoding="utf-8")
    assert read_queries(path) == ["a dog", "ein Hund läuft"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"\n \n", "holds no query"), (b"caf\xe9", "not UTF-8"), (None, "No such file")],
)
def test_a_file_that_gives_no_queries_is_refused(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    path = tmp_path / "queries.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=complaint):
        read_queries(path)
