"""Searching from the command line: options in, tables out."""
