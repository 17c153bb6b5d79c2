"""The cues of a video on their way from the child to its parent: one JSON list, cleaned on arrival."""

import json
from collections.abc import Sequence

from indexer.cue_text import MAX_CUES, NewCue, is_possible, language_of, spoken_text

MAX_PACKED_BYTES = 64 * 1024 * 1024
"""Room for 16 MiB of text with escapes, and four numbers and names beside each cue."""


def pack_cues(cues: Sequence[NewCue]) -> bytes:
    """Return the bytes of ``cues``, their texts as they are."""
    rows = [(cue.start_s, cue.end_s, cue.text, cue.language) for cue in cues]
    return json.dumps(rows, ensure_ascii=False).encode(errors="replace")


def unpack_cues(packed: bytes) -> list[NewCue]:
    """Return the cues that have words, their texts cleaned; raises ValueError or TypeError for others."""
    rows = json.loads(packed)
    if len(rows) > MAX_CUES:
        raise ValueError(f"{len(rows)} cues: must be at most {MAX_CUES}")
    cues = [
        NewCue(float(start_s), float(end_s), spoken_text(text), language_of(language))
        for start_s, end_s, text, language in rows
    ]
    for cue in cues:
        if not is_possible(cue.start_s, cue.end_s):
            raise ValueError(f"a cue from {cue.start_s} to {cue.end_s} s")
    return [cue for cue in cues if cue.text]
