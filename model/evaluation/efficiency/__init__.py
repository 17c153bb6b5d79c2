"""What each token reduction saves on a machine, in arithmetic, time and memory."""
