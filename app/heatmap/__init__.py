"""Where in a picture it fits: a heat map over the patches that the model kept of a frame."""
