"""Vision transformers run block by block, so that a token reducer can act between and inside the blocks."""
