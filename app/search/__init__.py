"""From words to ranked moments."""
