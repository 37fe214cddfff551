"""The index service over HTTP, for the recommender and the tools."""
