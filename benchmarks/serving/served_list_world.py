"""A catalogue of 100,000 items and some users, all in memory, for `benchmarks.serving.served_list`."""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from benchmarks.trainer.prepare import draw_items
from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.domain.sources.popular import WINDOWS
from streamrec.domain.users.user import UserState
from streamrec.ports import (
    ByVector,
    IndexAnswer,
    IndexQuery,
    Neighbours,
    RankedItem,
    UsersByProfile,
    UserUpdates,
)
from streamrec.publishing.views import N_POPULAR
from streamrec.settings.processes import CoVisitationSettings, LearningSettings

N_ITEMS = 100_000
K = 10
"""Items in a list."""

N_SEEN = (10, 100, 2000)
N_USERS = 100
"""By items seen."""

_GENERATION = "g1"
_N_FOUND = 1000
_N_COLUMNS = 997
"""Different columns of similarities: an own one for each item would take a gigabyte, and cost the same."""

_DIMENSION = LearningSettings().embedding_dim
_GENRES = ("action", "comedy", "drama", "horror", "romance", "sf", "thriller", "western")
_SEED = 3


class AtOnceIndex:
    """Implements `ItemIndex`: what it finds was searched beforehand."""

    def __init__(self, item_ids: list[str], chance: np.random.Generator) -> None:
        vectors = chance.standard_normal((len(item_ids), _DIMENSION + 1)).astype("<f4")
        self._vectors = dict(zip(item_ids, map(bytes, vectors), strict=True))
        scores = np.sort(chance.standard_normal(_N_FOUND))[::-1].tolist()
        drawn = (chance.permutation(len(item_ids))[:_N_FOUND].tolist() for _ in range(N_USERS))
        self._found = [[item_ids[row] for row in rows] for rows in drawn]
        self._scores = scores

    async def search(self, query: IndexQuery) -> IndexAnswer:
        """Return some ranking, the same for the same vector; what is excluded may be in it."""
        if isinstance(query, UsersByProfile):  # lists need none
            return IndexAnswer(_GENERATION, is_missing=True)
        key = query.vector if isinstance(query, ByVector) else query.id.encode()
        return IndexAnswer(_GENERATION, self._found[crc32(key) % N_USERS][: query.k], self._scores[: query.k])

    async def vectors(self, item_ids: Sequence[str], generation: str | None = None) -> dict[str, bytes]:
        """Return the vectors of these."""
        return {item_id: self._vectors[item_id] for item_id in item_ids}

    async def check(self) -> None:
        """Memory is always there."""

    async def aclose(self) -> None:
        """Nothing to release."""


class World(NamedTuple):
    """Stores, cache and index behind the answers; without cached items every answer reads the store."""

    store: MemoryStore
    cache: MemoryCache
    forgetful_cache: MemoryCache
    found: AtOnceIndex


def user_ids(n_seen: int) -> list[str]:
    """Return those who have seen so many items."""
    return [f"user-{n_seen}-{number}" for number in range(N_USERS)]


class Case(NamedTuple):
    """One kind of answer."""

    n_seen: int
    shape: Shape = Shape()
    explain: bool = False
    misses: bool = False

    @property
    def name(self) -> str:
        """Name in the results."""
        parts = [f"{self.n_seen} seen"]
        parts += ["metadata from the store"] if self.misses else []
        parts += [f"diversity {self.shape.diversity}"] if self.shape.diversity else []
        return ", ".join(parts + (["explained"] if self.explain else []))

    def request(self, number: int) -> RecommendationRequest:
        """Return the question of one of these users."""
        ids = user_ids(self.n_seen)
        return RecommendationRequest(K, ids[number % len(ids)], shape=self.shape, explain=self.explain)


CASES = [
    case
    for n_seen in N_SEEN
    for case in (
        Case(n_seen),
        Case(n_seen, misses=True),
        Case(n_seen, Shape(0.3)),
        Case(n_seen, explain=True),
    )
]


def made_world() -> World:
    """Return the same world every time."""
    chance = np.random.default_rng(_SEED)
    item_ids = [f"item-{row}" for row in range(N_ITEMS)]
    items = [_film(row, item_id) for row, item_id in enumerate(item_ids)]
    store, cache, forgetful = MemoryStore(), MemoryCache(item_ttl_s=1e9), MemoryCache(item_ttl_s=0)
    asyncio.run(store.put_items(items))
    asyncio.run(cache.put_items(items))
    rankings = {window: _ranking(item_ids, chance) for window in WINDOWS}
    neighbours = _neighbours(item_ids, chance)
    for one in (cache, forgetful):
        one.publish_popular(rankings)
        one.publish_neighbours(neighbours)
    _publish_users(store, item_ids, chance)
    return World(store, cache, forgetful, AtOnceIndex(item_ids, chance))


def _film(row: int, item_id: str) -> Item:
    genres = (_GENRES[row % len(_GENRES)],)
    return Item(
        item_id,
        kind="film",
        title=f"Film number {row}",
        text=None,
        categories=genres,
        is_hidden=False,
        attributes={"year": 1950 + row % 70},
    )


def _ranking(item_ids: list[str], chance: np.random.Generator) -> list[RankedItem]:
    """Return what is popular now: mostly what is popular always."""
    rows = np.unique(draw_items(chance, 20 * N_POPULAR, N_ITEMS), return_counts=True)
    best = np.argsort(-rows[1], kind="stable")[:N_POPULAR]
    pairs = zip(rows[0][best].tolist(), rows[1][best].astype(float).tolist(), strict=True)
    return [RankedItem(item_ids[row], score) for row, score in pairs]


def _neighbours(item_ids: list[str], chance: np.random.Generator) -> dict[str, Neighbours]:
    n = CoVisitationSettings().n_published
    columns = [
        [
            np.sort(chance.random(n))[::-1].tolist(),
            (10 * chance.random(n)).tolist(),
            (chance.random(n) * (chance.random(n) < 0.5)).tolist(),  # noqa: PLR2004
        ]
        for _ in range(_N_COLUMNS)
    ]
    drawn = draw_items(chance, N_ITEMS * 2 * n, N_ITEMS).reshape(N_ITEMS, -1)
    return {
        item_id: Neighbours(_distinct(drawn[row], n, item_ids), *columns[row % _N_COLUMNS])
        for row, item_id in enumerate(item_ids)
    }


def _publish_users(store: MemoryStore, item_ids: list[str], chance: np.random.Generator) -> None:
    lease = store.acquire("trainer", "benchmark", 3600.0, time.time())
    assert lease is not None
    for n_seen in N_SEEN:
        for user_id in user_ids(n_seen):
            seen = _distinct(draw_items(chance, 2 * n_seen, N_ITEMS), n_seen, item_ids)
            vector = chance.standard_normal(_DIMENSION + 1).astype("<f4").tobytes()
            recent = tuple(seen[-LearningSettings().n_remembered :])
            state = UserState(
                user_id,
                generation=_GENERATION,
                vector=vector,
                recent=recent,
                disliked=(),
                n_events=n_seen,
                updated_at=0.0,
            )
            rows = [(user_id, item_id, float(age)) for age, item_id in enumerate(seen)]
            store.publish_users(UserUpdates([state], rows), lease)


def _distinct(rows: NDArray[np.int64], n: int, item_ids: list[str]) -> list[str]:
    return [item_ids[row] for row in dict.fromkeys(rows.tolist())][:n]
