"""How well words find what they describe, and what it costs."""
