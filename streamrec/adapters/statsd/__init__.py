"""Metrics over statsd."""
