"""State of the attribution: what waits, who was shown what, and what came of it."""
