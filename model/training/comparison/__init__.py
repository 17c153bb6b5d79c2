"""The comparison that the papers make: the same training with one token reducer after another."""
