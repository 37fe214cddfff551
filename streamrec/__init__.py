"""A recommender that learns while it serves."""

__version__ = "0.2.0"
