"""Simulated experiments: users who click by a truth that no model has seen, and tests of what they do."""
