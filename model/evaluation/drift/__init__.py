"""What token reduction changes on one's own videos, and how much faster it is, without labels."""
