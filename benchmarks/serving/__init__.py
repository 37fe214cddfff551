"""Served lists: throughput, latency, freshness."""
