"""Recommendation quality, and the gate that holds it."""
