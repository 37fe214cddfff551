"""Feeds for everybody: what is popular, what grows, and what is new."""
