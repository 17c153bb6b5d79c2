"""Telling other services of what happens here: signed messages, sent from the outbox."""
