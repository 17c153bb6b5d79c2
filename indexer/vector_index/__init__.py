"""Copies of the clip vectors held in memory for searching; SQL is the truth they follow."""
