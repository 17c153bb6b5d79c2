"""Where the scores of one query lie in one library: against its background, and against other queries."""
