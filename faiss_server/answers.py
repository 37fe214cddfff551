"""Answers of a generation to queries, rankings of ids, and where they are worked out."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from faiss_server.generations import Generation, Generations
from faiss_server.kinds import ITEMS, USERS, Kind
from streamrec.adapters.faiss.index import Ranking
from streamrec.adapters.faiss.rows import Vectors
from streamrec.errors import InvalidInput, UnknownId
from streamrec.index_protocol import MAX_VECTORS
from streamrec.ports import ById, ByVector, IndexQuery, UsersByProfile

T = TypeVar("T")

_AT_ONCE_S = 0.001
"""Work up to this is done in the loop: the way to a thread and back takes .15 ms, and nobody waits longer for
this than for a few requests. Longer work goes to a thread: Faiss then uses the cores that there are, and who
asks whether the service lives is answered meanwhile."""

_WEIGHT = 0.1
"""Of the newest measurement in the mean."""


class Found(NamedTuple):
    """Ranking, and whether the id asked for is not in the index; that of users may be of the items chosen."""

    ranking: Ranking
    is_missing: bool = False


def found_by(generation: Generation, query: IndexQuery) -> Found:
    """Answer one query.

    Raises
    ------
    UnknownId
        When nothing is known of the id asked for.
    InvalidInput
        When `k` or the vector does not fit.
    Unavailable
        When users are asked for, and are not indexed.
    """
    match query:
        case ByVector(vector, k, exclude):
            if len(vector) % 4:
                raise InvalidInput("a vector's bytes are float32 numbers")
            return Found(generation.index_of(ITEMS).search(np.frombuffer(vector, "<f4"), k, exclude))
        case ById(id_, k, exclude):
            return Found(similar_to(generation, ITEMS, id_, k, exclude))
        case UsersByProfile():
            return _users_found_by(generation, query)


def similar_to(generation: Generation, kind: Kind, id_: str, k: int, exclude: Sequence[str] = ()) -> Ranking:
    """Return the ids that are similar to one.

    Raises
    ------
    UnknownId
        When the index has no such id.
    InvalidInput
        When `k` does not fit.
    Unavailable
        When users are asked for, and are not indexed.
    """
    index = generation.index_of(kind)
    try:
        return index.search_similar(id_, k, exclude)
    except UnknownId:
        raise UnknownId(f"the index has no {kind.name} {id_[:100]!r}") from None


def _users_found_by(generation: Generation, query: UsersByProfile) -> Found:
    """Return users similar to one; one who is not indexed is folded in from the items chosen last."""
    try:
        return Found(similar_to(generation, USERS, query.user_id, query.k, query.exclude))
    except UnknownId:
        _, chosen = generation.index_of(ITEMS).vectors_of(query.recent)
        if not len(chosen):
            raise
    # As the trainer does it once it knows the user, see `streamrec.learning.user_similarity`.
    vector = USERS.indexed(chosen.mean(axis=0, keepdims=True))[0]
    ranking = generation.index_of(USERS).search(vector, query.k, [query.user_id, *query.exclude])
    return Found(ranking, is_missing=True)


def vectors_by(
    generations: Generations, ids: Sequence[str], name: str | None
) -> tuple[str, list[str], Vectors]:
    """Return a generation's name, those of the ids that it has, and their (n, D + 1) vectors.

    One that is not served has none.

    Raises
    ------
    InvalidInput
        When these are more ids than one may ask for.
    Unavailable
        Before the first generation is loaded.
    """
    check_number(ids)
    current = generations.get().name
    try:
        generation = generations.get(name)
    except UnknownId:
        return name or current, [], np.zeros((0, 0), np.float32)
    return generation.name, *generation.index_of(ITEMS).vectors_of(ids)


def check_number(ids: Sequence[str]) -> None:
    """Make sure that vectors of no more ids are asked for than one may.

    Raises
    ------
    InvalidInput
        When they are.
    """
    if len(ids) > MAX_VECTORS:
        raise InvalidInput(f"vectors of {len(ids)} ids; at most {MAX_VECTORS} are allowed")


class Searches:
    """Runs work of one query or many, and learns what a query costs.

    Parameters
    ----------
    clock
        Seconds of the processor's time that the calling thread has used: waiting does not count.
    """

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._query_s: float | None = None

    async def run(self, work: Callable[[], T], n_queries: int = 1) -> T:
        """Return what the work returns, or raise what it raises."""
        if self._query_s is not None and n_queries * self._query_s <= _AT_ONCE_S:
            return self._measured(work, n_queries)
        return await asyncio.to_thread(self._measured, work, n_queries)

    def _measured(self, work: Callable[[], T], n_queries: int) -> T:
        started = self._clock()
        result = work()
        if n_queries:
            query_s = (self._clock() - started) / n_queries
            before = query_s if self._query_s is None else self._query_s
            self._query_s = before + _WEIGHT * (query_s - before)
        return result
