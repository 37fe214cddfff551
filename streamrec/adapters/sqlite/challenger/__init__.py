"""Challenger's vectors of users in the SQLite document store."""
