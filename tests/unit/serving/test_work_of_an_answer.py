"""Work of an answer: calls of ports and of functions, and bytes, which no machine's speed changes."""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from types import FrameType
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.published_blend import TrainerRules
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.domain.sources.popular import WINDOWS
from streamrec.domain.sources.table import first_blend
from streamrec.domain.users.context import ContextRules
from streamrec.domain.users.user import UserState
from streamrec.index_protocol import encode_queries
from streamrec.ports import IndexAnswer, IndexQuery, RankedItem, UserUpdates, VectorTable
from streamrec.serving.composition import ServingLimits, serving_over
from streamrec.telemetry import NullMetrics
from tests.builders import near

N_ITEMS, N_SEEN, N_LAST, DIMENSION = 2_000, 100, 20, 64
NOW = 1_700_000_000.0
IDS = [f"item-{row}" for row in range(N_ITEMS)]


class Counted:
    """A store, a cache or an index whose calls are counted by their names."""

    def __init__(self, part: object, calls: Counter[str]) -> None:
        self._part = part
        self._calls = calls

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        method = getattr(self._part, name)

        def counted(*arguments: object, **named: object) -> Awaitable[object]:
            self._calls[name] += 1
            answered: Awaitable[object] = method(*arguments, **named)
            return answered

        return counted


class Measured(MemoryIndex):
    """An index that adds up the bytes of the requests."""

    n_bytes = 0

    async def search(self, query: IndexQuery) -> IndexAnswer:
        self.n_bytes += len(encode_queries([query]))
        return await super().search(query)


class System:
    """A recommender over memory, and what was counted."""

    def __init__(self) -> None:
        chance = np.random.default_rng(1)
        vectors = chance.standard_normal((N_ITEMS, DIMENSION + 1)).astype(np.float32)
        self.store, self.cache = MemoryStore(), MemoryCache(item_ttl_s=1e9)
        self.index = Measured({"g1": VectorTable(IDS, vectors)})
        self.calls: Counter[str] = Counter()
        self._publish(chance)
        store, cache, index = (
            cast("Any", Counted(part, self.calls)) for part in (self.store, self.cache, self.index)
        )
        limits = ServingLimits(timeout_s=30.0, ranking_age_s=3600.0)
        self.serving = serving_over(store, cache, index, NullMetrics(), limits)

    def _publish(self, chance: np.random.Generator) -> None:
        lease = self.store.acquire("trainer", "one", 10.0, NOW)
        assert lease is not None
        seen = [(name, IDS[row], NOW) for name in ("a", "b") for row in range(N_SEEN)]
        vector = chance.standard_normal(DIMENSION + 1).astype("<f4").tobytes()
        recent = tuple(IDS[:N_LAST])
        states = [UserState(name, "g1", vector, recent=recent, n_events=N_SEEN) for name in ("a", "b")]
        self.store.publish_users(UserUpdates(states, seen), lease)
        ranking = [RankedItem(item_id, 1.0 / (1 + row)) for row, item_id in enumerate(IDS[:1000])]
        self.cache.publish_popular(dict.fromkeys(WINDOWS, ranking))
        columns = {
            item_id: near(
                *((IDS[row], 1 / (2 + n), 3.0, 0.1) for n, row in enumerate(chance.permutation(N_ITEMS)[:50]))
            )
            for item_id in recent
        }
        self.cache.publish_neighbours(columns)
        blend = first_blend().published()
        rules = TrainerRules(ContextRules(N_LAST, 0.95, 0.1))
        self.cache.publish_blend(msgspec.structs.replace(blend, rules=rules))

    async def ask(self, user_id: str) -> int:
        """Answer with ten items; return how many functions were called."""
        n_calls = 0

        def count(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal n_calls
            n_calls += event in ("call", "c_call")

        self.calls.clear()
        self.index.n_bytes = 0
        sys.setprofile(count)
        try:
            answer = await self.serving.recommender.recommend(RecommendationRequest(10, user_id=user_id))
        finally:
            sys.setprofile(None)
        assert len(answer.items) == 10
        assert not answer.degraded
        return n_calls

    async def fewest_calls(self, user_id: str) -> int:
        """Answer some times; return how many functions were called when nothing else was due."""
        return min([await self.ask(user_id) for _ in range(3)])


@pytest.fixture
async def system() -> AsyncIterator[System]:
    """Return one that has met its users, items and rankings."""
    made = System()
    await made.store.put_items([Item(item_id, title=item_id) for item_id in IDS])
    for user_id in ("a", "b", "nobody") * 2:
        await made.ask(user_id)
        await made.serving.items.aclose()  # what is being kept for the next answer is kept
    yield made
    await made.serving.aclose()


async def test_a_known_users_answer_asks_each_part_once_and_calls_few_functions(system: System) -> None:
    n_calls = await system.fewest_calls("b")
    assert system.calls == {"get_profile": 1, "search": 1, "neighbours": 1, "get_items": 1}
    # A generation, a vector of 65 numbers and the ids of a hundred seen items.
    assert system.index.n_bytes < 4 * 65 + 12 * N_SEEN
    assert n_calls < 900, "816 when this was written: what became of it?"


async def test_an_unknown_users_answer_needs_the_profile_and_metadata_alone(system: System) -> None:
    n_calls = await system.fewest_calls("nobody")
    assert system.calls == {"get_profile": 1, "get_items": 1}
    assert system.index.n_bytes == 0
    assert n_calls < 700, "632 when this was written: what became of it?"


async def test_only_who_chose_something_unpublished_costs_another_read(system: System) -> None:
    system.serving.accepted.note([Interaction("a", IDS[500], NOW)], EventWeights({}))
    await system.ask("a")
    await system.serving.items.aclose()  # other items' metadata is kept now
    await system.ask("b")
    assert system.calls == {"get_profile": 1, "search": 1, "neighbours": 1, "get_items": 1}
    await system.ask("a")
    assert system.calls == {"get_profile": 1, "search": 1, "neighbours": 2, "get_items": 1}
