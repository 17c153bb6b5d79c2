"""What to say of words that are longer than the model reads."""

from app.query_encoder import EncodedWords

SHOWN_WORDS = 4
SHOWN_CHARACTERS = 20
"""Of what was read last, so that a person finds the place."""


def tell_what_was_read(words: EncodedWords) -> str:
    """Return how much of words that are too long was searched for; in characters if a word was cut."""
    if words.text[len(words.read)] == " ":
        read, given, noun = len(words.read.split()), len(words.text.split()), "words"
        end = " ".join(words.read.split()[-SHOWN_WORDS:])
    else:
        read, given, noun = len(words.read), len(words.text), "characters"
        end = words.read[-SHOWN_CHARACTERS:]
    dots = "…" if len(end) < len(words.read) else ""
    return (
        f"Your description is longer than this model can read: only the first {read:,} of {given:,} {noun} "
        f"were searched for, up to “{dots}{end}”. Use fewer words, or search several times."
    )
