"""Names on a terminal."""

import os

from indexer.batch.display import printable


def test_a_plain_name_is_shown_as_it_is() -> None:
    assert printable("Ferien in Köln – 2024 [final].mp4") == "Ferien in Köln – 2024 [final].mp4"


def test_control_characters_cannot_drive_the_terminal() -> None:
    assert printable("a\x1b[2Jb\nc.mp4") == r"a\x1b[2Jb\nc.mp4"


def test_undecodable_bytes_are_shown_escaped() -> None:
    assert printable(os.fsdecode(b"caf\xe9.mp4")) == r"caf\udce9.mp4"
