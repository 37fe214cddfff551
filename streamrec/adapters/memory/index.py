"""An exact index in memory: for tests, and for evaluation without a server."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.errors import InvalidInput, Unavailable
from streamrec.ports import (
    IndexAnswer,
    IndexQuery,
    RankedItem,
    RankedUser,
    UserAnswer,
    UserQuery,
    VectorTable,
)

_MAX_K = 1000
_MAX_VECTORS = 1000


class MemoryIndex:
    """Tables of item vectors by generation, and of user vectors; the last named is the current one."""

    def __init__(
        self, tables: Mapping[str, VectorTable], users: Mapping[str, VectorTable] | None = None
    ) -> None:
        self._tables = dict(tables)
        self._users = dict(users or {})
        self._current = list(tables)[-1]

    async def check(self) -> None:
        """Memory is always there."""

    async def search(self, query: IndexQuery) -> IndexAnswer:
        """Return exactly the best items, without the excluded ones and without `item_id` itself.

        Raises
        ------
        InvalidInput
            When `k`, the vector, or what is given of the two, does not fit.
        """
        _check_k(query.k)
        generation = query.generation or self._current
        table = self._tables.get(generation)
        if table is None:
            return IndexAnswer(generation, [], is_missing=True)
        vector = _vector_of(query, table)
        if vector is None:
            return IndexAnswer(generation, [], is_missing=True)
        left_out = {*query.exclude, query.item_id}
        scores = table.vectors @ vector
        order = np.argsort(-scores, kind="stable").tolist()
        best = (RankedItem(table.ids[row], float(scores[row])) for row in order)
        kept = [item for item in best if item.item_id not in left_out]
        return IndexAnswer(generation, kept[: query.k])

    async def similar_users(self, query: UserQuery) -> UserAnswer:
        """Return exactly the users most alike by the cosine of their vectors, without `user_id` itself.

        Raises
        ------
        InvalidInput
            When `k` does not fit.
        Unavailable
            When there are no users.
        """
        _check_k(query.k)
        generation = self._current
        table = self._users.get(generation)
        if table is None:
            raise Unavailable("users are not indexed")
        rows = [row for row, user_id in enumerate(table.ids) if user_id == query.user_id]
        known = await self.vectors(query.recent, generation) if not rows else {}
        if not rows and not known:
            return UserAnswer(generation, [], is_missing=True)
        chosen = [np.frombuffer(vector, "<f4") for vector in known.values()]
        vector = table.vectors[rows[0]] if rows else np.mean(chosen, axis=0)
        cosines = _directions(table.vectors) @ _directions(vector[None])[0]
        order = np.argsort(-cosines, kind="stable").tolist()
        alike = [RankedUser(table.ids[row], float(cosines[row])) for row in order if row not in rows]
        return UserAnswer(generation, alike[: query.k], is_missing=not rows)

    async def vectors(self, item_ids: Sequence[str], generation: str | None = None) -> dict[str, bytes]:
        """Return the (D + 1,) float32 bytes of those that the generation has.

        Raises
        ------
        InvalidInput
            When these are too many at once.
        """
        if len(item_ids) > _MAX_VECTORS:
            raise InvalidInput(f"vectors of {len(item_ids)} items; at most {_MAX_VECTORS} are allowed")
        table = self._tables.get(generation or self._current)
        if table is None:
            return {}
        wanted = set(item_ids)
        return {
            item_id: vector.astype("<f4").tobytes()
            for item_id, vector in zip(table.ids, table.vectors, strict=True)
            if item_id in wanted
        }


def _vector_of(query: IndexQuery, table: VectorTable) -> NDArray[np.float32] | None:
    if (query.vector is None) == (query.item_id is None):
        raise InvalidInput("give either a vector or an item's id")
    if query.vector is not None:
        dimension = table.vectors.shape[1]
        if len(query.vector) != 4 * dimension:
            raise InvalidInput(f"a vector of {len(query.vector)} bytes; {4 * dimension} are wanted")
        vector: NDArray[np.float32] = np.frombuffer(query.vector, "<f4")
        if not np.isfinite(vector).all():
            raise InvalidInput("a number of the vector is not finite")
        return vector
    rows = [row for row, item_id in enumerate(table.ids) if item_id == query.item_id]
    if not rows:
        return None
    # Without the bias: it says how popular an item is, not what it is like.
    embedding: NDArray[np.float32] = table.vectors[rows[0]].copy()
    embedding[-1] = 0.0
    return embedding


def _check_k(k: int) -> None:
    if not 1 <= k <= _MAX_K:
        raise InvalidInput(f"k is {k}; 1 to {_MAX_K} are allowed")


def _directions(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (B, D) of length one, without the last component: it is of popularity."""
    lengths = np.linalg.norm(vectors[:, :-1], axis=1, keepdims=True)
    return np.asarray(vectors[:, :-1] / np.where(lengths > 0, lengths, 1), np.float32)
