"""Models that score all items for many users at a time."""
