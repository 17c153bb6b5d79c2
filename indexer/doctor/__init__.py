"""Where rows, files and indexes have drifted apart, and how that is mended."""
