"""Datasets of videos or pictures with sentences, read from their official annotation files."""
