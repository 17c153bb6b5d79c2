"""Pages told as answers."""
