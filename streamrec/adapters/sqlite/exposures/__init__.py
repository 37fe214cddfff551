"""Exposures in the SQLite cache: counts of items, and the last steps of users."""
