"""From photographs with captions to the weights of a dual encoder."""
