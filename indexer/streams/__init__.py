"""Decoded clips and frames as streams, for evaluation and training."""
