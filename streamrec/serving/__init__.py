"""Ranking over ports: candidate sources, blend, filters. No torch, no driver."""
