"""The hot cache on Redis."""
