"""A sample of the queries: recall is measured on it."""

import zlib

import numpy as np

from streamrec.adapters.faiss.rows import Vectors

_CAPACITY = 256


class QuerySample:
    """Some of the last distinct queries. Starts with vectors of users, before anybody has asked.

    A query's position follows from its bytes, so one that is asked a thousand times in a row, as a probe or a
    load test does, takes one position and not all of them.
    """

    def __init__(self, first: Vectors) -> None:
        """Start with the first of (Q, D + 1) query vectors."""
        self._vectors = np.zeros((_CAPACITY, first.shape[1]), np.float32)
        self._is_taken = np.arange(_CAPACITY) < len(first)
        self._vectors[: len(first)] = first[:_CAPACITY]

    def add(self, vector: Vectors) -> None:
        """Take in a (D + 1,) query instead of another."""
        position = zlib.crc32(vector.tobytes()) % _CAPACITY
        self._vectors[position] = vector
        self._is_taken[position] = True

    def vectors(self) -> Vectors:
        """Return a copy, (Q, D + 1); Q is 0 while nobody has asked."""
        return self._vectors[self._is_taken]
