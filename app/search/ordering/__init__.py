"""Clips put in the order in which they answer a search."""
