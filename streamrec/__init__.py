"""A recommender that learns while it serves."""
