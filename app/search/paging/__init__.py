"""Ordered clips gathered into moments, and moments into pages."""
