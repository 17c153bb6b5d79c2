"""``reelseek bench DIR``: how fast a folder is indexed, stage by stage, and how fast it is searched."""
