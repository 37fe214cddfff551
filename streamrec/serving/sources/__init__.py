"""Candidate sources, and how what they propose becomes one list."""
