"""Jobs as clients see them: told, listed, followed, ordered about."""
