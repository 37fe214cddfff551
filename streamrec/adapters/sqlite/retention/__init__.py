"""Removal of what is too old from the SQLite files."""
