"""Names of files to keep."""

import pytest

from app.attachment import attachment


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a dog", "attachment; filename=\"a dog.csv\"; filename*=UTF-8''a%20dog.csv"),
        ("Ä/ö", "attachment; filename=\"A o.csv\"; filename*=UTF-8''%C3%84%20%C3%B6.csv"),
        ("日本", "attachment; filename=\"moment.csv\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.csv"),
        (
            'a"b\r\nX-Evil: 1',
            "attachment; filename=\"a bX-Evil 1.csv\"; filename*=UTF-8''a%20bX-Evil%201.csv",
        ),
        ("../..", "attachment; filename=\"moment.csv\"; filename*=UTF-8''moment.csv"),
    ],
)
def test_a_name_is_harmless_and_keeps_its_letters(name: str, header: str) -> None:
    assert attachment(name, "csv") == header


def test_a_long_name_is_cut() -> None:
    assert len(attachment("x" * 5000, "csv")) < 300
