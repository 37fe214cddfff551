"""Experiments in the SQLite document store."""
