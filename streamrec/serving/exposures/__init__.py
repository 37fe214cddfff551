"""Exposures: what was shown to whom, what was chosen of it, and what else happened to an item."""
