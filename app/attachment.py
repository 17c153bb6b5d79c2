"""What a file is called that a browser is to keep: ``Content-Disposition`` (RFC 6266)."""

import re
import unicodedata
from urllib.parse import quote

from app.display_name import visible_text

MAX_CHARACTERS = 100

FORBIDDEN = re.compile(r'[\\/:*?"<>|%]+')
"""What one system or another does not allow in a file's name; the percent sign misleads browsers."""


def attachment(name: str, suffix: str) -> str:
    """Return the header for a file named after ``name``, which may come from anybody."""
    shown = " ".join(FORBIDDEN.sub(" ", visible_text(name)).split())[:MAX_CHARACTERS].strip(" .") or "moment"
    plain = unicodedata.normalize("NFKD", shown).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._ -]+", "", plain).strip(" .") or "moment"
    return (
        f"attachment; filename=\"{plain}.{suffix}\"; filename*=UTF-8''{quote(f'{shown}.{suffix}', safe='')}"
    )
