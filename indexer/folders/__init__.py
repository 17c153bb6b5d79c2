"""Folders of a person's own: walked, watched, taken in."""
