"""Fast text towers: cut at the last token that counts, and in int8 where that ranks alike."""
