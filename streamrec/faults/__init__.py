"""Faults that a test arms: see `points`."""
