"""Reader of what the index has nearest to somebody, or to an item."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.sources.findings import Nearest
from streamrec.domain.sources.request_context import RequestContext
from streamrec.index_protocol import MAX_VECTORS
from streamrec.ports import ById, ByVector, IndexAnswer, ItemQuery, VectorSearch
from streamrec.serving.guard import ALL_WELL, Answered, Guard

N_SCORED = 300
"""Items nearest to a user that are read: of what others propose most is among them, and gets a score."""


class NearestReader:
    """Reads what the index has nearest to the user's vector, or to the item that an unknown user looks at."""

    def __init__(self, index: VectorSearch, guard: Guard) -> None:
        self._index = index
        self._guard = guard

    async def read(self, context: RequestContext, n: int, items: ItemNumbers) -> Answered[Nearest | None]:
        """Return at least `n` items where so many are; None without the user's generation and the item."""
        query = _query_of(context, n)
        if query is None:
            return Answered(None)
        if context.only:
            return await self._rank_only(context, items)
        nothing = IndexAnswer("", is_missing=True)
        answer, failed = await self._guard.ask(lambda: self._index.search(query), nothing)
        if answer.is_missing:
            return Answered(None, failed)
        nearest = Proposal(
            items.of(answer.ids, answer.hashes), np.asarray(answer.scores, np.float64), is_logit=True
        )
        return Answered(Nearest(nearest, answer.generation), failed)

    async def vectors(self, item_ids: Sequence[str], generation: str | None) -> Answered[dict[str, bytes]]:
        """Return the vectors of items, as far as the generation has them."""
        found: dict[str, bytes] = {}
        nothing: dict[str, bytes] = {}
        failed = ALL_WELL
        for first in range(0, len(item_ids), MAX_VECTORS):
            some = item_ids[first : first + MAX_VECTORS]
            read, failed_too = await self._guard.ask(partial(self._index.vectors, some, generation), nothing)
            found, failed = found | read if found else read, failed | failed_too
        return Answered(found, failed)

    async def _rank_only(self, context: RequestContext, items: ItemNumbers) -> Answered[Nearest | None]:
        """Rank the wanted items by their vectors: an item far down in the index's ranking counts as well."""
        query, failed = context.vector, ALL_WELL
        if query is None and context.item_id is not None:
            looked_at, failed = await self.vectors([context.item_id], context.generation)
            query = looked_at.get(context.item_id)
        if query is None:
            return Answered(None, failed)
        wanted = [item_id for item_id in context.only if context.wants(item_id)]
        found, failed_later = await self.vectors(wanted, context.generation)
        failed |= failed_later
        # Between the two looks another generation may have taken over, of another dimension.
        found = {item_id: vector for item_id, vector in found.items() if len(vector) == len(query)}
        if not found:
            return Answered(None, failed)
        nearest = ranked_by(query, found, items, with_bias=context.vector is not None)
        return Answered(Nearest(nearest, context.generation), failed)


def _query_of(context: RequestContext, n: int) -> ItemQuery | None:
    """Return what to search for; None when there is nothing to go by."""
    exclude = list(context.banned)
    # A known user's own vector says more than what they look at.
    if context.vector is not None:
        return ByVector(context.vector, max(n, N_SCORED), exclude, context.generation)
    return None if context.item_id is None else ById(context.item_id, n, exclude, context.generation)


def nearest_first(item_ids: Sequence[str], vectors: Mapping[str, bytes], query: bytes | None) -> list[str]:
    """Return items by the inner product with a query's vector; without one by their biases.

    Those without a vector of the query's length come last, in the order given.

    >>> vectors = {name: np.array(row, "<f4").tobytes() for name, row in {"a": [1, 0], "b": [0, 9]}.items()}
    >>> nearest_first(["x", "a", "b"], vectors, None), nearest_first(["a", "b"], vectors, vectors["a"])
    (['b', 'a', 'x'], ['a', 'b'])
    """
    n_bytes = len(query) if query is not None else len(next(iter(vectors.values()), b""))
    with_vector = [item_id for item_id in item_ids if len(vectors.get(item_id, b"")) == n_bytes > 0]
    if not with_vector:
        return list(item_ids)
    table = np.frombuffer(b"".join(vectors[item_id] for item_id in with_vector), "<f4")
    table = table.reshape(len(with_vector), -1)
    scores = table[:, -1] if query is None else table @ np.frombuffer(query, "<f4")
    order = np.argsort(-scores, kind="stable").tolist()
    has_one = set(with_vector)
    return [with_vector[row] for row in order] + [id_ for id_ in item_ids if id_ not in has_one]


def ranked_by(query: bytes, vectors: Mapping[str, bytes], items: ItemNumbers, *, with_bias: bool) -> Proposal:
    """Return items by the inner product of their (D + 1,) float32 vectors with a query's, best first.

    >>> one, other, query = (np.array(row, "<f4").tobytes() for row in ([1, 0, 0], [0, 2, 9], [1, 1, 1]))
    >>> items = ItemNumbers()
    >>> found = ranked_by(query, {"one": one, "other": other}, items, with_bias=False)
    >>> items.ids_at(found.numbers), found.scores.tolist()
    (['other', 'one'], [2.0, 1.0])
    """
    table = np.frombuffer(b"".join(vectors.values()), "<f4").reshape(len(vectors), -1)
    towards = np.frombuffer(query, "<f4")
    scores = table @ towards if with_bias else table[:, :-1] @ towards[:-1]
    order = np.argsort(-scores, kind="stable")
    return Proposal(items.of(list(vectors))[order], scores[order].astype(np.float64), is_logit=True)
