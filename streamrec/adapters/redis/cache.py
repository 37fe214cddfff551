"""The hot cache in Redis, as a server uses it: each call is one round trip."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from streamrec.adapters.redis.connection import (
    N_CONNECTIONS,
    N_RETRIES,
    OPTIONS,
    RedisAddress,
    translated_errors,
)
from streamrec.adapters.redis.exposures import RedisExposures
from streamrec.adapters.redis.items import (
    CHANNEL,
    ITEM_TTL_S,
    WRITE,
    cached_entry,
    portions,
    version_entry,
)
from streamrec.adapters.redis.values import (
    CachedItem,
    ChangedItems,
    decode_bars,
    decode_counters,
    decode_items,
    encode,
    present,
)
from streamrec.domain.bars.bar import HeldBars
from streamrec.domain.generations.challenger import ChallengerStatus, decode_status
from streamrec.domain.items.item import Item
from streamrec.domain.popularity.ranked_item import decode_ranking
from streamrec.domain.ranking.published_blend import Blend, decode_blend
from streamrec.domain.status.point import Ring, StatusPoint, decode_points
from streamrec.domain.status.report import TrainerReport, decode_report
from streamrec.faults.points import fault_point
from streamrec.ports import NO_VERSIONS, Neighbours, RankedItem
from streamrec.serving.sources.near_neighbours import DecodedNeighbours

_Entries = Mapping[str, tuple[bytes, int, int]]


class RedisCache(RedisExposures):
    """Implements `HotCache`.

    Parameters
    ----------
    item_ttl_s
        Seconds that a cached item lives.
    clock
        Unix seconds. An item carries its end with it; Redis drops it after that by its own clock.
    """

    def __init__(
        self, address: RedisAddress, *, item_ttl_s: float = ITEM_TTL_S, clock: Callable[[], float] = time.time
    ) -> None:
        self.name = secrets.token_hex(8)
        self._item_ttl_s = item_ttl_s
        retry = Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.1), N_RETRIES)
        pool = BlockingConnectionPool.from_url(
            address.url, retry=retry, max_connections=N_CONNECTIONS, timeout=2.0, **OPTIONS
        )
        super().__init__(address, Redis.from_pool(pool), clock)
        self._decoded = DecodedNeighbours()

    async def popular(self, name: str, limit: int) -> list[RankedItem]:
        """Return the head of a ranking, best first; empty when there is none of this name."""
        if limit < 1:
            return []
        with translated_errors(self.address):
            written: Any = await self._redis.get(self.address.key(f"popular:{name}"))
        return [] if written is None else decode_ranking(written, limit)

    async def neighbours(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        """Return the neighbours of these, nearest first; items without any are left out."""
        if not item_ids:
            return {}
        with translated_errors(self.address):
            values: Any = await self._redis.mget(
                [self.address.key(f"neighbours:{item_id}") for item_id in item_ids]
            )
        return self._decoded.of(present(item_ids, values))

    async def blend(self) -> Blend | None:
        """Return the blend as last published."""
        with translated_errors(self.address):
            written: Any = await self._redis.get(self.address.key("blend"))
        return None if written is None else decode_blend(written)

    async def challenger(self) -> ChallengerStatus | None:
        """Return the challenger's state as last published."""
        with translated_errors(self.address):
            written: Any = await self._redis.get(self.address.key("challenger"))
        return None if written is None else decode_status(written)

    async def counters(self) -> dict[str, float]:
        """Return the trainer's counters as last published."""
        with translated_errors(self.address):
            written: Any = await self._redis.hgetall(self.address.key("counters"))
        return decode_counters(written)

    async def report(self) -> TrainerReport | None:
        """Return the trainer's report as last published."""
        with translated_errors(self.address):
            written: Any = await self._redis.get(self.address.key("report"))
        return None if written is None else decode_report(written)

    async def points(self, ring: Ring, slots: Sequence[int]) -> list[StatusPoint]:
        """Return the points that stand at some slots of a ring, the oldest first."""
        if not slots:
            return []
        with translated_errors(self.address):
            written: Any = await self._redis.hmget(self.address.key(f"points:{ring.interval_s}"), list(slots))
        of_slots = zip(slots, written, strict=True)
        return decode_points(ring, [(slot, payload) for slot, payload in of_slots if payload is not None])

    async def history(self, item_id: str) -> HeldBars | None:
        """Return an item's minutes as last published; None for an item without any."""
        with translated_errors(self.address):
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.get(self.address.key("history-span"))
                pipeline.hgetall(self.address.key(f"history:{item_id}"))
                span, slots = await pipeline.execute()
        return decode_bars(span, slots)

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata; what is not cached, or too old, is left out."""
        return _items_of(await self.get_cached(item_ids))

    async def last_known(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata, of hidden items also what is too old."""
        return _items_of(await self._read_cached(item_ids, float("-inf")))

    async def get_cached(self, item_ids: Sequence[str]) -> dict[str, CachedItem]:
        """Return cached metadata, each with its end."""
        return await self._read_cached(item_ids, self._clock())

    async def _read_cached(self, item_ids: Sequence[str], now: float) -> dict[str, CachedItem]:
        if not item_ids:
            return {}
        with translated_errors(self.address):
            values: Any = await self._redis.mget([self._item_key(item_id) for item_id in item_ids])
        return decode_items(item_ids, values, now)

    async def put_items(self, items: Sequence[Item], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Cache metadata for a while; where it differs from what was cached, tell who else keeps copies."""
        await self.write_items(items, versions)

    async def write_items(self, items: Sequence[Item], versions: Mapping[str, int]) -> set[str]:
        """Cache metadata as `put_items` does; return the ids of those that no newer version was there of."""
        now = self._clock()
        entries = {
            item.item_id: cached_entry(item, versions.get(item.item_id, 0), self._item_ttl_s, now)
            for item in items
        }
        with translated_errors(self.address):
            before = await self._write(entries)
            replaced = decode_items(list(before), before.values(), now)
            changed = [
                item.item_id
                for item in items
                if item.item_id in before and _differs(item, replaced.get(item.item_id))
            ]
            if changed:
                await self._tell(changed)
        return set(before)

    async def drop_items(self, item_ids: Sequence[str], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Forget cached metadata after a change, and tell who else keeps copies."""
        entries = {
            item_id: version_entry(versions[item_id], self._item_ttl_s)
            for item_id in item_ids
            if versions.get(item_id)
        }
        rest = [self._item_key(item_id) for item_id in item_ids if item_id not in entries]
        with translated_errors(self.address):
            await self._write(entries)
            if rest:
                fault_point("redis", "delete")
                await self._redis.delete(*rest)
            # After the writes: whoever hears of it finds them done.
            await self._tell(item_ids)

    async def _write(self, entries: _Entries) -> dict[str, bytes | None]:
        """Write cached items; return by id what was there before, where no newer version was."""
        before: dict[str, bytes | None] = {}
        for item_ids, arguments in portions(entries):
            keys = [self._item_key(item_id) for item_id in item_ids]
            fault_point("redis", "eval")
            taken: Any = await self._redis.eval(WRITE, len(keys), *keys, *arguments)
            before.update(
                (item_id, held or None)
                for item_id, held in zip(item_ids, taken, strict=True)
                if held is not None
            )
        return before

    async def check(self) -> None:
        """Return when Redis answers, lets us in, and is no cluster."""
        with translated_errors(self.address):
            await self._redis.mget(self.address.probes())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _tell(self, item_ids: Sequence[str]) -> None:
        fault_point("redis", "publish")
        await self._redis.publish(self.address.key(CHANNEL), encode(ChangedItems(self.name, list(item_ids))))

    def _item_key(self, item_id: str) -> str:
        return self.address.key(f"item:{item_id}")


def _items_of(cached: Mapping[str, CachedItem]) -> dict[str, Item]:
    return {item_id: entry.item for item_id, entry in cached.items() if entry.item is not None}


def _differs(item: Item, replaced: CachedItem | None) -> bool:
    return replaced is not None and replaced.item != item
