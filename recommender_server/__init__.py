"""The recommender service: recommendations, events, items and users over HTTP."""
