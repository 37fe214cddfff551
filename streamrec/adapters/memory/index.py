"""An exact index in memory: for tests, and for evaluation without a server."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.errors import InvalidInput, Unavailable
from streamrec.ports import ById, ByVector, IndexAnswer, IndexQuery, ItemQuery, UsersByProfile, VectorTable

_MAX_K = 1000
_MAX_VECTORS = 1000


class MemoryIndex:
    """Tables of vectors of items by generation, and of users; the last named is the current one."""

    def __init__(
        self, tables: Mapping[str, VectorTable], users: Mapping[str, VectorTable] | None = None
    ) -> None:
        self._tables = dict(tables)
        self._users = dict(users or {})
        self._current = list(tables)[-1]

    async def check(self) -> None:
        """Memory is always there."""

    async def search(self, query: IndexQuery) -> IndexAnswer:
        """Return exactly the best ids, without the excluded ones and without the one asked for.

        Raises
        ------
        InvalidInput
            When `k` or the vector does not fit.
        Unavailable
            When users are asked for, and there are none.
        """
        if not 1 <= query.k <= _MAX_K:
            raise InvalidInput(f"k is {query.k}; 1 to {_MAX_K} are allowed")
        generation = query.generation or self._current
        if isinstance(query, UsersByProfile):
            return await self._search_users(query, generation)
        table = self._tables.get(generation)
        vector = None if table is None else _vector_of(query, table)
        if table is None or vector is None:
            return IndexAnswer(generation, is_missing=True)
        own = {query.id} if isinstance(query, ById) else set()
        return IndexAnswer(generation, *_best(table.ids, table.vectors @ vector, query, own))

    async def _search_users(self, query: UsersByProfile, generation: str) -> IndexAnswer:
        table = self._users.get(generation)
        if table is None:
            raise Unavailable("users are not indexed")
        row = _row_of(query.user_id, table)
        known = await self.vectors(query.recent, generation) if row is None else {}
        if row is None and not known:
            return IndexAnswer(generation, is_missing=True)
        chosen = [np.frombuffer(vector, "<f4") for vector in known.values()]
        vector = np.mean(chosen, axis=0) if row is None else table.vectors[row]
        cosines = _directions(table.vectors) @ _directions(vector[None])[0]
        return IndexAnswer(generation, *_best(table.ids, cosines, query, {query.user_id}), row is None)

    async def vectors(self, ids: Sequence[str], generation: str | None = None) -> dict[str, bytes]:
        """Return the (D + 1,) float32 bytes of those that the generation has.

        Raises
        ------
        InvalidInput
            When these are too many at once.
        """
        if len(ids) > _MAX_VECTORS:
            raise InvalidInput(f"vectors of {len(ids)} ids; at most {_MAX_VECTORS} are allowed")
        table = self._tables.get(generation or self._current)
        if table is None:
            return {}
        wanted = set(ids)
        return {
            id_: vector.astype("<f4").tobytes()
            for id_, vector in zip(table.ids, table.vectors, strict=True)
            if id_ in wanted
        }


def _vector_of(query: ItemQuery, table: VectorTable) -> NDArray[np.float32] | None:
    if isinstance(query, ByVector):
        dimension = table.vectors.shape[1]
        if len(query.vector) != 4 * dimension:
            raise InvalidInput(f"a vector of {len(query.vector)} bytes; {4 * dimension} are wanted")
        vector: NDArray[np.float32] = np.frombuffer(query.vector, "<f4")
        if not np.isfinite(vector).all():
            raise InvalidInput("a number of the vector is not finite")
        return vector
    row = _row_of(query.id, table)
    if row is None:
        return None
    # Without the bias: it says how popular an item is, not what it is like.
    embedding: NDArray[np.float32] = table.vectors[row].copy()
    embedding[-1] = 0.0
    return embedding


def _row_of(id_: str, table: VectorTable) -> int | None:
    return next((row for row, known in enumerate(table.ids) if known == id_), None)


def _best(
    ids: Sequence[str], scores: NDArray[np.float32], query: IndexQuery, own: set[str]
) -> tuple[list[str], list[float]]:
    """Return the ids with the best scores, without those left out and the one asked for, and the scores."""
    left_out = {*query.exclude, *own}
    order = np.argsort(-scores, kind="stable").tolist()
    rows = [row for row in order if ids[row] not in left_out][: query.k]
    return [ids[row] for row in rows], scores[rows].tolist()


def _directions(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (B, D) of length one, without the last component: it is of popularity."""
    lengths = np.linalg.norm(vectors[:, :-1], axis=1, keepdims=True)
    return np.asarray(vectors[:, :-1] / np.where(lengths > 0, lengths, 1), np.float32)
