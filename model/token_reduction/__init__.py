"""Token reduction: fewer tokens after some transformer block, so that the blocks after it cost less."""
