"""The vectors of the index, by row, and which rows live."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.id_map import IdMap
from streamrec.errors import InvalidInput

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Bitmap = NDArray[np.uint8]

MAX_COMPONENT = 1e9
"""No trained number comes near it, and sums of products of such numbers still fit a float32."""

_GROWTH = 1.25
_MIN_CAPACITY = 1024

_BIT = (1 << np.arange(8)).astype(np.uint8)


def are_acceptable(vectors: Vectors) -> NDArray[np.bool_]:
    """Return (B,) which of (B, D + 1) vectors hold only numbers that an inner product can be made of.

    >>> are_acceptable(np.array([[1, 2], [np.nan, 0], [0, 1e30]], np.float32)).tolist()
    [True, False, False]
    """
    is_acceptable = np.abs(vectors) <= MAX_COMPONENT  # false for a NaN too
    return np.asarray(is_acceptable.all(axis=1))


def checked(vectors: Vectors, shape: tuple[int, ...]) -> Vectors:
    """Return vectors as Faiss takes them: contiguous, float32.

    Raises
    ------
    InvalidInput
        When the shape is another, or a number is not acceptable.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.shape != shape:
        raise InvalidInput(f"vectors of shape {vectors.shape}; {shape} is wanted")
    if not np.abs(vectors).max(initial=0.0) <= MAX_COMPONENT:  # false for a NaN too
        raise InvalidInput("a number of a vector is not finite or too large")
    return vectors


class VectorRows:
    """Ids, their vectors (capacity, D + 1), and a bitmap of the living rows in Faiss's order of bits.

    The exact copy of everything: what is searched exactly, rebuilt from, and asked for an id's own vector.
    Not safe for a writer beside others; `FaissIndex` holds the lock.
    """

    def __init__(self, dimension: int) -> None:
        self._ids = IdMap()
        # By row once more: numpy gathers hundreds of them in half the time, most of which goes into memory.
        self._id_at = np.full(_MIN_CAPACITY, None, object)
        self._hash_at: Rows = np.zeros(_MIN_CAPACITY, np.int64)
        self._vectors: Vectors = np.zeros((_MIN_CAPACITY, dimension), np.float32)
        self._alive: Bitmap = np.zeros(_MIN_CAPACITY // 8, np.uint8)

    def __len__(self) -> int:
        """Return the number of living rows."""
        return len(self._ids)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._vectors.shape[1])

    @property
    def used(self) -> Vectors:
        """Return (R, D + 1) rows given out so far, dead ones included; a view."""
        return self._vectors[: self._ids.n_rows]

    def put(self, ids: Sequence[str], vectors: Vectors) -> Rows:
        """Write (B, D + 1) vectors of distinct ids; return their rows."""
        rows = self._ids.rows_of(ids, add=True)
        self._make_room()
        self._id_at[rows] = self._ids.ids_at(rows.tolist())  # the very texts that are held already
        self._hash_at[rows] = [hash(id_) for id_ in ids]
        self._vectors[rows] = vectors
        np.bitwise_or.at(self._alive, rows >> 3, _BIT[rows & 7])
        return rows

    def remove(self, ids: Sequence[str]) -> Rows:
        """Forget ids; return the rows of those that were known."""
        known = [id_ for id_ in dict.fromkeys(ids) if id_ in self._ids]
        rows = np.fromiter((self._ids.release(id_) for id_ in known), np.int64, len(known))
        np.bitwise_and.at(self._alive, rows >> 3, ~_BIT[rows & 7])
        self._id_at[rows] = None
        return rows

    def vector_of(self, id_: str) -> Vectors | None:
        """Return a copy of an id's (D + 1,) vector; None for an unknown id."""
        row = self._ids.row(id_)
        return None if row < 0 else self._vectors[row].copy()

    def vectors_of(self, ids: Sequence[str]) -> tuple[list[str], Vectors]:
        """Return those of the ids that live, each once, and a copy of their (n, D + 1) vectors."""
        known = [id_ for id_ in dict.fromkeys(ids) if id_ in self._ids]
        return known, self._vectors[self._ids.rows_of(known)]

    def ids_at(self, rows: Rows) -> list[str]:
        """Return the ids of living rows."""
        ids: list[str] = self._id_at[rows].tolist()
        return ids

    def hashes_at(self, rows: Rows) -> Rows:
        """Return Python's hashes of the ids of living rows, which are this process's own."""
        return self._hash_at.take(rows)

    def allowed(self, excluded: Sequence[str]) -> tuple[Bitmap, int]:
        """Return the bitmap of living rows without the excluded, and how many living rows those are."""
        allowed = self._alive.copy()
        if not excluded:
            return allowed, 0
        known = self._ids.known_rows(excluded)  # a caller may name an id twice
        rows = np.fromiter(known, np.int64, len(known))
        np.bitwise_and.at(allowed, rows >> 3, ~_BIT[rows & 7])
        return allowed, len(rows)

    def living(self, rows: Rows) -> NDArray[np.bool_]:
        """Return (B,) which of these rows live."""
        is_alive: NDArray[np.bool_] = (self._alive[rows >> 3] & _BIT[rows & 7]) != 0
        return is_alive

    def _make_room(self) -> None:
        n_rows = self._ids.n_rows
        if n_rows <= len(self._vectors):
            return
        capacity = -(-max(n_rows, int(len(self._vectors) * _GROWTH)) // 8) * 8
        grown = np.zeros((capacity, self.dimension), np.float32)
        grown[: len(self._vectors)] = self._vectors
        alive = np.zeros(capacity // 8, np.uint8)
        alive[: len(self._alive)] = self._alive
        ids = np.full(capacity, None, object)
        ids[: len(self._id_at)] = self._id_at
        hashes = np.zeros(capacity, np.int64)
        hashes[: len(self._hash_at)] = self._hash_at
        self._vectors, self._alive, self._id_at, self._hash_at = grown, alive, ids, hashes
