"""Generations: roles of champion and challenger, keys of the changelog."""
