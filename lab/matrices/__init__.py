"""Sparse matrices of what users did, and similarity between their rows in bounded memory."""
