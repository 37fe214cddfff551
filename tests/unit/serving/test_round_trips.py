"""How often an answer waits for a server: counted on real ones, through doors that hold questions back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import numpy as np
import pytest

from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.opening import open_cache_publisher, open_store, open_trainer_store
from streamrec.adapters.redis.connection import address_of
from streamrec.adapters.redis.near_cache import RedisNearCache
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.recommendation import RecommendationRequest, Recommendations
from streamrec.domain.sources.popular import WINDOWS
from streamrec.domain.sources.table import first_blend
from streamrec.domain.users.user import UserState
from streamrec.ports import IndexAnswer, IndexQuery, RankedItem, UserUpdates, VectorTable
from streamrec.serving.composition import Serving, ServingLimits, serving_over
from streamrec.telemetry import NullMetrics
from tests.builders import near
from tests.round_trips import Proxy, Rounds

N_ITEMS = 60
NOW = 1_700_000_000.0
VECTOR = np.array([1.0, 1.0], "<f4").tobytes()
IDS = [f"i{row}" for row in range(N_ITEMS)]


class DistantIndex(MemoryIndex):
    """An index whose every search is a round trip."""

    def __init__(self, rounds: Rounds) -> None:
        super().__init__(
            {"g1": VectorTable(IDS, np.array([[row, 0.0] for row in range(N_ITEMS)], np.float32))}
        )
        self._rounds = rounds

    async def search(self, query: IndexQuery) -> IndexAnswer:
        await self._rounds.pass_through()
        return await super().search(query)


def publish(mongo_url: str, redis_url: str) -> None:
    trainer, publisher = open_trainer_store(mongo_url), open_cache_publisher(redis_url)
    lease = trainer.acquire("trainer", "one", 10.0, NOW)
    assert lease is not None
    seen = [("reader", item_id, NOW + row) for row, item_id in enumerate(IDS[50:])]
    states = [UserState(name, "g1", VECTOR, recent=("i59",), n_events=9) for name in ("reader", "other")]
    trainer.publish_users(UserUpdates(states, seen), lease)
    ranking = [RankedItem(item_id, float(row + 1)) for row, item_id in enumerate(IDS)][::-1]
    publisher.publish_popular(dict.fromkeys(WINDOWS, ranking))
    publisher.publish_neighbours({"i59": near(("i49", 0.9, 9.0, 0.5))})
    publisher.publish_blend(first_blend().published())
    trainer.close()
    publisher.close()


class Asking:
    """A recommender behind doors, and how it is asked."""

    def __init__(self, serving: Serving, rounds: Rounds) -> None:
        self.serving = serving
        self._rounds = rounds

    async def __call__(self, **request: object) -> tuple[Recommendations, int]:
        wanted = RecommendationRequest(**request)  # type: ignore[arg-type]
        return await asyncio.wait_for(self._rounds.count(self.serving.recommender.recommend(wanted)), 30)


@pytest.fixture
async def ask(mongo_url: str, redis_url: str) -> AsyncIterator[Asking]:
    publish(mongo_url, redis_url)
    mongo, rounds = urlsplit(mongo_url), Rounds()
    async with AsyncExitStack() as stack:
        store_door = await stack.enter_async_context(Proxy(mongo.port or 0, rounds))
        cache_door = await stack.enter_async_context(Proxy(urlsplit(redis_url).port or 0, rounds))
        store = open_store(f"mongodb://127.0.0.1:{store_door.port}{mongo.path}?directConnection=true")
        stack.push_async_callback(store.aclose)
        # Copies that live long: a busy machine asks later than the second that they last by default.
        cache = RedisNearCache(address_of(f"redis://127.0.0.1:{cache_door.port}/0"), copies_age_s=3600.0)
        stack.push_async_callback(cache.aclose)
        await store.put_items([Item(item_id, title=item_id.upper()) for item_id in IDS])
        limits = ServingLimits(timeout_s=20.0, n_seen_excluded=30, ranking_age_s=3600.0)
        serving = serving_over(store, cache, DistantIndex(rounds), NullMetrics(), limits)
        stack.push_async_callback(serving.aclose)
        yield Asking(serving, rounds)


async def warm(ask: Asking, *user_ids: str) -> None:
    """Answer until nothing is seen for the first time: connections, metadata, the subscription."""
    for _ in range(2):
        for user_id in user_ids or ("reader", "other", "unknown"):
            await ask.serving.recommender.recommend(RecommendationRequest(10, user_id=user_id))
            await ask.serving.items.aclose()
            await asyncio.sleep(0.1)


async def test_a_known_user_is_answered_in_two_round_trips(ask: Asking) -> None:
    await warm(ask)
    answer, n_round_trips = await ask(k=10, user_id="reader")
    assert [item.item_id for item in answer.items] == list(reversed(IDS[40:50]))
    assert answer.items[0].title == "I49"
    assert not answer.degraded
    # Document and seen items in one, then side by side what all sources ask for; copies of the blend are read
    # beside it.
    assert n_round_trips == 2


async def test_an_unknown_user_is_answered_in_two_round_trips_at_most(ask: Asking) -> None:
    await warm(ask)
    answer, n_round_trips = await ask(k=10, user_id="unknown")
    assert [item.item_id for item in answer.items] == IDS[:-11:-1]
    assert n_round_trips <= 2  # the profile; the ranking only where the last one read is too old
    answer, n_round_trips = await ask(k=10)
    assert answer.based_on == "popular_items"
    assert n_round_trips <= 1


async def test_items_proposed_for_the_first_time_cost_three_more_once(ask: Asking) -> None:
    await warm(ask, "unknown")
    answer, n_round_trips = await ask(k=30, user_id="other")
    assert answer.items[-1].title == "I30"
    # The cache, which does not know them yet, and the store: the ranking goes by their categories. Then the
    # cache again, for those that are shown; what was read goes there beside, perhaps in a round of its own.
    assert n_round_trips in (5, 6)
    await ask.serving.items.aclose()
    _, n_round_trips = await ask(k=30, user_id="other")
    assert n_round_trips == 2
