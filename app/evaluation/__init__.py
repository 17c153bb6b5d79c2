"""How well one's own library is found: by judgements, by captions."""
