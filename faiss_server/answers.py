"""Answers of a generation to queries: rankings of ids."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from faiss_server.generations import Generation
from faiss_server.kinds import ITEMS, USERS, Kind
from streamrec.adapters.faiss.index import Ranking
from streamrec.errors import InvalidInput, UnknownId
from streamrec.ports import ById, ByVector, IndexQuery, UsersByProfile


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
