"""What a file from outside is called when it is shown; where it is stored has nothing to do with it."""

import unicodedata

MAX_CHARACTERS = 255

NAMELESS = "video"

INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories: controls, formats (direction of writing), surrogates, line and paragraph separators."""


def display_name(filename: str) -> str:
    """Return the last part of ``filename`` without control characters, at most 255 characters long.

    Whatever the client's system writes between folders, nothing of the path is left; characters that turn
    the direction of writing are taken out, since they make ``exe.mp4`` out of ``4pm.exe``.
    """
    last = filename.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return _shortened(visible_text(last).lstrip(".").strip()) or NAMELESS


def visible_text(text: str) -> str:
    """Return ``text`` without characters that control the screen, and without blanks at its ends."""
    visible = [
        character
        for character in unicodedata.normalize("NFC", text)
        if unicodedata.category(character) not in INVISIBLE
    ]
    return "".join(visible).strip()


def one_line(text: str) -> str:
    """Return ``text`` with nothing in it that ends a line or controls the screen, words one blank apart."""
    return " ".join(visible_text(" ".join(text.split())).split())


def _shortened(name: str) -> str:
    if len(name) <= MAX_CHARACTERS:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > 10:
        return name[:MAX_CHARACTERS]
    return f"{stem[: MAX_CHARACTERS - len(suffix) - 1]}.{suffix}"
