"""Sparse matrices of what users did, and likeness between their rows in bounded memory."""
