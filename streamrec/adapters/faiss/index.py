"""The index of vectors: inner product, live updates, exclusions, by external ids.

Small: every row is looked at. Large: rows are clustered into lists, built aside. Threads may call everything
at any time.
"""

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.adapters.faiss.build import AsideBuild, tune_live
from streamrec.adapters.faiss.lock import ReadWriteLock
from streamrec.adapters.faiss.queries import QuerySample
from streamrec.adapters.faiss.rows import Rows, VectorRows, Vectors, checked
from streamrec.adapters.faiss.schedule import Schedule, Task
from streamrec.adapters.faiss.search import ClusteredSearch, ExactSearch, Search
from streamrec.errors import InvalidInput, UnknownId

MAX_K = 1000

_CHUNK = 128
"""Rows written under the lock at once: 3 ms at 1,000,000 rows, so that searches never wait for long."""


class Ranking(NamedTuple):
    """Ids, best first, their (n,) inner products, and their (n,) hashes in this process."""

    ids: list[str]
    scores: NDArray[np.float32]
    hashes: NDArray[np.int64]


class IndexStats(msgspec.Struct, frozen=True):
    """State and size of an index.

    Attributes
    ----------
    kind
        ``"flat"`` or ``"ivf"``.
    recall_at_10
        Against exact search, measured when last tuned, on queries of users, their 200 nearest left out.
    n_probes
        Lists looked at, by depth of the answer.
    n_changes
        Vectors written and deleted since the start.
    """

    kind: str
    n_vectors: int
    dimension: int
    recall_at_10: float
    n_lists: int
    n_probes: dict[int, int]
    n_builds: int
    n_changes: int
    is_building: bool


class FaissIndex:
    """Ids by inner product with (D + 1,) float32 vectors. Call `maintain` now and then, from one thread."""

    def __init__(self, dimension: int, sample_queries: Vectors | None = None, seed: int = 0) -> None:
        """Start empty.

        Parameters
        ----------
        dimension
            Length of a vector, D + 1.
        sample_queries
            (Q, D + 1) vectors of users, to measure recall with before anybody has asked.
        """
        self._lock = ReadWriteLock()
        self._maintaining = threading.Lock()
        self._rows = VectorRows(dimension)
        self._search: Search = ExactSearch(self._rows)
        self._build: AsideBuild | None = None
        nothing = np.empty((0, dimension), np.float32)
        self._queries = QuerySample(nothing if sample_queries is None else sample_queries)
        self._chance = np.random.default_rng(seed)
        self._recall = 1.0
        self._schedule = Schedule()
        self._n_changes = self._n_builds = 0

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._rows)

    @property
    def dimension(self) -> int:
        """Length of a vector, D + 1."""
        return self._rows.dimension

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Write (B, D + 1) vectors; on return every search sees them. Of a repeated id the last counts.

        Raises
        ------
        InvalidInput
            When shapes do not fit or a number is not finite; nothing is written then.
        """
        vectors = checked(vectors, (len(ids), self.dimension))
        last = {id_: position for position, id_ in enumerate(ids)}
        distinct, positions = list(last), list(last.values())
        for start in range(0, len(distinct), _CHUNK):
            chunk = vectors[positions[start : start + _CHUNK]]
            with self._lock.writing():
                rows = self._rows.put(distinct[start : start + _CHUNK], chunk)
                self._search.put(rows, chunk)
                self._note(rows)

    def delete(self, ids: Sequence[str]) -> int:
        """Forget ids; return how many were there. On return no search finds them."""
        n_deleted = 0
        for start in range(0, len(ids), _CHUNK):
            with self._lock.writing():
                rows = self._rows.remove(ids[start : start + _CHUNK])
                self._search.remove(rows)
                self._note(rows)
            n_deleted += len(rows)
        return n_deleted

    def search(self, vector: Vectors, k: int, exclude: Sequence[str] = ()) -> Ranking:
        """Return up to `k` ids by inner product with a (D + 1,) vector, without the excluded.

        Raises
        ------
        InvalidInput
            When `k` is not 1 to 1,000, or the vector's shape does not fit, or a number is not finite.
        """
        if not 1 <= k <= MAX_K:
            raise InvalidInput(f"k is {k}; 1 to {MAX_K} are allowed")
        query = checked(vector, (self.dimension,))
        self._queries.add(query)
        with self._lock.reading():
            allowed, n_excluded = self._rows.allowed(exclude)
            wanted = min(k, len(self._rows) - n_excluded)
            if wanted <= 0:
                return Ranking([], np.empty(0, np.float32), np.empty(0, np.int64))
            rows, scores = self._search.search(query, wanted, allowed, wanted + n_excluded)
            return Ranking(self._rows.ids_at(rows), scores, self._rows.hashes_at(rows))

    def search_similar(self, id_: str, k: int, exclude: Sequence[str] = ()) -> Ranking:
        """Return up to `k` ids by inner product of their embeddings with this id's, without itself.

        The biases are left out: they say how popular an item is, not what it is like.

        Raises
        ------
        UnknownId
            When the index has no such id.
        InvalidInput
            When `k` is not 1 to 1,000.
        """
        with self._lock.reading():
            vector = self._rows.vector_of(id_)
        if vector is None:
            raise UnknownId(f"the index has no {id_[:100]!r}")
        vector[-1] = 0.0
        return self.search(vector, k, [id_, *exclude])

    def vectors_of(self, ids: Sequence[str]) -> tuple[list[str], Vectors]:
        """Return those of the ids that are here, each once, and their (n, D + 1) vectors."""
        with self._lock.reading():
            return self._rows.vectors_of(ids)

    def maintain(self) -> None:
        """Change the way of searching where the number of vectors asks for it, or tune it after many changes.

        Takes up to half a minute at 1,000,000 vectors, on one thread; searching and writing go on meanwhile.
        """
        with self._maintaining:
            search = self._search
            is_clustered = isinstance(search, ClusteredSearch)
            task = self._schedule.task(
                is_clustered=is_clustered, n_rows=len(self._rows), n_changes=self._n_changes
            )
            if task is Task.BUILD:
                self._rebuild()
            elif task is Task.FLATTEN:
                self._look_at_every_row()
            elif task is Task.TUNE and isinstance(search, ClusteredSearch):
                self._retune(search)

    def stats(self) -> IndexStats:
        """Return the state and size of now."""
        search = self._search
        is_clustered = isinstance(search, ClusteredSearch)
        return IndexStats(
            kind="ivf" if is_clustered else "flat",
            n_vectors=len(self._rows),
            dimension=self.dimension,
            recall_at_10=self._recall,
            n_lists=search.n_lists if isinstance(search, ClusteredSearch) else 0,
            n_probes=dict(search.n_probes_at) if isinstance(search, ClusteredSearch) else {},
            n_builds=self._n_builds,
            n_changes=self._n_changes,
            is_building=self._build is not None,
        )

    def _rebuild(self) -> None:
        build = AsideBuild(self._rows, self._lock)
        n_rows, n_changes = len(self._rows), self._n_changes
        with self._lock.writing():
            self._build = build
        try:
            search, recall = build.run(self._sample(), self._chance)
            with self._lock.writing():
                build.finish(search)
                self._search, self._build = search, None
        finally:
            self._build = None
        self._recall = recall
        self._n_builds += 1
        self._schedule.note_build(n_rows, n_changes, max(search.n_probes_at.values()))

    def _retune(self, search: ClusteredSearch) -> None:
        n_changes, started = self._n_changes, time.perf_counter()
        self._recall = tune_live(search, self._rows, self._lock, self._sample())
        self._schedule.note_tuning(n_changes, time.perf_counter() - started)
        if self._schedule.is_strained(max(search.n_probes_at.values())):
            self._rebuild()

    def _look_at_every_row(self) -> None:
        with self._lock.writing():
            self._search = ExactSearch(self._rows)
        self._recall = 1.0

    def _sample(self) -> Vectors:
        """Return query vectors; stored ones, as of users who like only that item, while nobody has asked."""
        queries = self._queries.vectors()
        if len(queries):
            return queries
        with self._lock.reading():
            used = self._rows.used
            queries = used[self._chance.integers(len(used), size=100)]
        queries[:, -1] = 1.0
        return queries

    def _note(self, rows: Rows) -> None:
        self._n_changes += len(rows)
        if self._build is not None:
            self._build.note(rows)
