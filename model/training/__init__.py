"""Training: fine-tuning on captioned videos, and the bundled model from nothing."""
