"""Building lists aside while the index goes on: searching as before, and changing."""

import numpy as np

from streamrec.adapters.faiss.lock import ReadWriteLock
from streamrec.adapters.faiss.rows import Rows, VectorRows, Vectors
from streamrec.adapters.faiss.search import ClusteredSearch, search_exactly
from streamrec.adapters.faiss.training import learn_centroids, n_lists_for, sample_size_for, tune

_READ_CHUNK = 20_000
"""Rows copied under the lock at once: 5 ms."""

_FEW = 1000
"""Changes left to catch up with while nobody may search: 10 ms."""

_MAX_ROUNDS = 20


class AsideBuild:
    """One build. Changes made meanwhile are noted, and taken in before the new lists go live.

    1. Note changes from now on. 2. Learn centroids from a sample. 3. Copy the rows into lists.
    4. Take in what was noted, until little is left. 5. Tune. 6. Take in the rest while nobody else may search
    or write.
    """

    def __init__(self, rows: VectorRows, lock: ReadWriteLock) -> None:
        self._rows = rows
        self._lock = lock
        self._noted: list[Rows] = []

    def note(self, rows: Rows) -> None:
        """Remember changed rows. The caller holds the lock for writing."""
        self._noted.append(rows)

    def run(self, queries: Vectors, chance: np.random.Generator) -> tuple[ClusteredSearch, float]:
        """Do steps 2 to 5; return the new lists and their recall@10."""
        search = ClusteredSearch(self._centroids(chance))
        with self._lock.reading():
            n_rows = len(self._rows.used)
        for start in range(0, n_rows, _READ_CHUNK):
            self._take_in(search, np.arange(start, min(start + _READ_CHUNK, n_rows)))
        self._catch_up(search)
        recall = tune_live(search, self._rows, self._lock, queries)
        self._catch_up(search)
        return search, recall

    def finish(self, search: ClusteredSearch) -> None:
        """Do step 6. The caller holds the lock for writing."""
        if self._noted:
            _apply(search, *_state_of(self._rows, np.unique(np.concatenate(self._noted))))

    def _centroids(self, chance: np.random.Generator) -> Vectors:
        with self._lock.reading():
            rows = np.arange(len(self._rows.used))
            rows = rows[self._rows.living(rows)]
            n_lists = n_lists_for(len(rows))
            if len(rows) > sample_size_for(n_lists):
                rows = chance.choice(rows, sample_size_for(n_lists), replace=False)
            sample = self._rows.used[rows]
        return learn_centroids(sample, n_lists, int(chance.integers(2**31)))

    def _catch_up(self, search: ClusteredSearch) -> None:
        for _ in range(_MAX_ROUNDS):
            with self._lock.reading():
                noted, self._noted = self._noted, []
            if not noted:
                return
            rows = np.unique(np.concatenate(noted))
            self._take_in(search, rows)
            if len(rows) <= _FEW:
                return

    def _take_in(self, search: ClusteredSearch, rows: Rows) -> None:
        with self._lock.reading():
            state = _state_of(self._rows, rows)
        _apply(search, *state)


def tune_live(search: ClusteredSearch, rows: VectorRows, lock: ReadWriteLock, queries: Vectors) -> float:
    """Tune `search` against the rows as they are, one query at a time under the lock; return recall@10."""

    def nearest(query: Vectors, k: int) -> Vectors:
        with lock.reading():
            found = search_exactly(rows.used, query, k, rows.allowed(())[0])
            return rows.used[found.rows]

    return tune(search, nearest, queries, len(rows))


def _state_of(rows: VectorRows, numbers: Rows) -> tuple[Rows, Vectors, Rows]:
    is_alive = rows.living(numbers)
    living = numbers[is_alive]
    return living, rows.used[living], numbers[~is_alive]


def _apply(search: ClusteredSearch, living: Rows, vectors: Vectors, dead: Rows) -> None:
    search.put(living, vectors)
    search.remove(dead)
