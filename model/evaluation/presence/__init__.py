"""How well scores tell that a library holds what was asked for, and what corrections of hubs are worth."""
