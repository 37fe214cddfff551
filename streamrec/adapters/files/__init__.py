"""Snapshots of generations and their roles, as plain files."""
