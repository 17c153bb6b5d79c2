"""A whole library in one file, and back: portable between SQLite and Postgres."""
