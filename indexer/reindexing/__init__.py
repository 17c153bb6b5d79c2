"""Building a generation beside the one that serves, and letting it serve."""
