"""Generations as people see them: told, listed, compared."""
