"""Similarity of items: what is chosen together, and tables of neighbours."""
