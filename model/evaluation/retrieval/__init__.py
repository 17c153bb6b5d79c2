"""How well captions find what they were said of, in a whole dataset, and the other way round."""
