"""Logs, document store and hot cache in SQLite files: the embedded default."""
