"""Typed words, read as terms."""

from app.search.query import Term, Words


def read_terms(typed: str) -> tuple[Term, ...]:
    """Return the terms that ``typed`` stands for."""
    return (Term(Words(typed)),)
