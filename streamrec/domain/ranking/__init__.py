"""Ranking: candidates, blend, diversity, pages, and the metrics that judge a list."""
