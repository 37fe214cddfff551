"""A sample of what is asked: recall is measured on it."""

import numpy as np

from streamrec.adapters.faiss_rows import Vectors

_CAPACITY = 256


class QuerySample:
    """The last queries, in a ring. Starts with vectors of users, before anybody has asked."""

    def __init__(self, first: Vectors) -> None:
        """Start with the first of (Q, D + 1) query vectors."""
        self._ring = np.zeros((_CAPACITY, first.shape[1]), np.float32)
        self._n_seen = min(len(first), _CAPACITY)
        self._ring[: self._n_seen] = first[: self._n_seen]

    def add(self, vector: Vectors) -> None:
        """Take in a (D + 1,) query in place of the oldest."""
        self._ring[self._n_seen % _CAPACITY] = vector
        self._n_seen += 1

    def vectors(self) -> Vectors:
        """Return a copy, (Q, D + 1); Q is 0 while nobody has asked."""
        return self._ring[: min(self._n_seen, _CAPACITY)].copy()
