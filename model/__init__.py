"""Frames and texts in, unit vectors out: everything that knows a neural network.

Letters in shapes, the same in every module: B videos (clips), T frames a video, N patch tokens a frame,
C channels of a token, K clusters (tokens kept), S segments of a video, D numbers in an embedding,
Q texts. M = T / S * N is the number of tokens that a segment gathers before clustering.
"""
