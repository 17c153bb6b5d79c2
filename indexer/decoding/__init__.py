"""Hostile file in, clips of small pictures out: decoding, in a child process with limits."""
