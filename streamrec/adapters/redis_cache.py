"""The hot cache in Redis, as a server uses it: each call is one round trip."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from streamrec.adapters.redis_connection import N_CONNECTIONS, N_RETRIES, OPTIONS, RedisPlace, in_our_words
from streamrec.adapters.redis_values import (
    CachedItem,
    ChangedItems,
    decode_counters,
    decode_history,
    decode_items,
    decode_neighbours_of,
    decode_ranking,
    encode,
)
from streamrec.domain.bar import HeldBars
from streamrec.domain.blend import Blend, decode_blend
from streamrec.domain.item import Item
from streamrec.ports import Neighbours, RankedItem

ITEM_TTL_S = 300.0
"""A reader may cache what it read just before a change; after so long the change is seen anyway."""

CHANNEL = "changed-items"


class RedisCache:
    """Implements `HotCache`.

    Parameters
    ----------
    item_ttl_s
        Seconds that a cached item lives.
    clock
        Unix seconds. An item carries its end with it; Redis drops it after that by its own clock.
    """

    def __init__(
        self, place: RedisPlace, *, item_ttl_s: float = ITEM_TTL_S, clock: Callable[[], float] = time.time
    ) -> None:
        self.place = place
        self.name = secrets.token_hex(8)
        self._item_ttl_s = item_ttl_s
        self._clock = clock
        retry = Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.1), N_RETRIES)
        pool = BlockingConnectionPool.from_url(
            place.url, retry=retry, max_connections=N_CONNECTIONS, timeout=2.0, **OPTIONS
        )
        self._redis = Redis.from_pool(pool)

    async def popular(self, name: str, limit: int) -> list[RankedItem]:
        """Return the head of a ranking, best first; empty when there is none of this name."""
        if limit < 1:
            return []
        with in_our_words(self.place):
            ranked: Any = await self._redis.zrevrange(
                self.place.key(f"popular:{name}"), 0, limit - 1, withscores=True
            )
        return decode_ranking(ranked)

    async def neighbours(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        """Return the neighbours of these, nearest first; items without any are left out."""
        if not item_ids:
            return {}
        with in_our_words(self.place):
            values: Any = await self._redis.mget(
                [self.place.key(f"neighbours:{item_id}") for item_id in item_ids]
            )
        return decode_neighbours_of(item_ids, values)

    async def blend(self) -> Blend | None:
        """Return the blend as last published."""
        with in_our_words(self.place):
            written: Any = await self._redis.get(self.place.key("blend"))
        return None if written is None else decode_blend(written)

    async def counters(self) -> dict[str, float]:
        """Return the trainer's counters as last published."""
        with in_our_words(self.place):
            written: Any = await self._redis.hgetall(self.place.key("counters"))
        return decode_counters(written)

    async def history(self, item_id: str) -> HeldBars | None:
        """Return an item's minutes as last published; None for an item without any."""
        with in_our_words(self.place):
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.get(self.place.key("history-span"))
                pipeline.hgetall(self.place.key(f"history:{item_id}"))
                span, slots = await pipeline.execute()
        return decode_history(span, slots)

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata; what is not cached, or too old, is left out."""
        cached = await self.get_cached(item_ids)
        return {item_id: entry.item for item_id, entry in cached.items()}

    async def get_cached(self, item_ids: Sequence[str]) -> dict[str, CachedItem]:
        """Return cached metadata, each with its end."""
        if not item_ids:
            return {}
        with in_our_words(self.place):
            values: Any = await self._redis.mget([self._item_key(item_id) for item_id in item_ids])
        return decode_items(item_ids, values, self._clock())

    async def put_items(self, items: Sequence[Item]) -> None:
        """Cache metadata for a while; where it differs from what was cached, tell who else keeps copies."""
        now = self._clock()
        ttl_ms = round(self._item_ttl_s * 1000)
        with in_our_words(self.place):
            async with self._redis.pipeline(transaction=False) as pipeline:
                for item in items:
                    value = encode(CachedItem(item, now + self._item_ttl_s))
                    pipeline.set(self._item_key(item.item_id), value, px=ttl_ms, get=True)
                replaced = decode_items([item.item_id for item in items], await pipeline.execute(), now)
                changed = [item.item_id for item in items if _differs(item, replaced.get(item.item_id))]
                if changed:
                    self._tell(pipeline, changed)
                    await pipeline.execute()

    async def drop_items(self, item_ids: Sequence[str]) -> None:
        """Forget cached metadata after a change, and tell who else keeps copies."""
        with in_our_words(self.place):
            async with self._redis.pipeline(transaction=False) as pipeline:
                for item_id in item_ids:
                    pipeline.delete(self._item_key(item_id))
                self._tell(pipeline, item_ids)
                await pipeline.execute()

    async def check(self) -> None:
        """Return when Redis answers, lets us in, and is no cluster."""
        with in_our_words(self.place):
            await self._redis.mget(self.place.probes())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _tell(self, pipeline: Pipeline, item_ids: Sequence[str]) -> None:
        # After the writes, in the same pipeline: whoever hears of it finds them done.
        pipeline.publish(self.place.key(CHANNEL), encode(ChangedItems(self.name, list(item_ids))))

    def _item_key(self, item_id: str) -> str:
        return self.place.key(f"item:{item_id}")


def _differs(item: Item, replaced: CachedItem | None) -> bool:
    return replaced is not None and replaced.item != item
