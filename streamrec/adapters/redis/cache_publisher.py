"""The hot cache in Redis, as the trainer uses it."""

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, cast

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ResponseError

from streamrec.adapters.redis.connection import RedisAddress, blocking_pool, translated_errors
from streamrec.adapters.redis.fence import Fence
from streamrec.adapters.redis.items import CHANNEL, ITEM_TTL_S, WRITE, entries_of, portions
from streamrec.adapters.redis.kinds import is_of_wrong_kind, keys_of_other_kinds
from streamrec.adapters.redis.values import ChangedItems, Ranking, encode, portions_of
from streamrec.domain.bars.bar import BarsUpdate, by_slot
from streamrec.domain.generations.challenger import ChallengerStatus
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.published_blend import Blend
from streamrec.domain.status.point import StatusPoint, placed
from streamrec.domain.status.report import TrainerReport, encode_report
from streamrec.errors import Damaged, Unavailable
from streamrec.faults.points import fault_point
from streamrec.log_limits import warn_seldom
from streamrec.ports import Lease, Neighbours

_ITEMS_AT_ONCE = 500
"""Histories in one round trip: the answers of more would wait in memory."""

_SLOTS_TTL_S = 86_400
"""Whatever left Redis without a history that knows of it goes after a day."""

_KEYS_AT_ONCE = 500
"""In one step of a scan, or in one removal: less than a millisecond, during which Redis answers nobody."""


class RedisCachePublisher:
    """Implements `CachePublisher`. Safe to call from several threads.

    Every publication is whole, so a Redis that was emptied is as before after the next one. A key of ours
    that holds a value of another kind, as another program or a person may have made one, is replaced.

    Parameters
    ----------
    count_replaced
        Told how many such keys were replaced.
    """

    def __init__(self, address: RedisAddress, count_replaced: Callable[[int], None] | None = None) -> None:
        self._address = address
        self._count_replaced = count_replaced
        self._redis = Redis.from_pool(blocking_pool(address))
        self._names_key = address.key("popular-names")
        self._has_scanned = False
        self._fence: Fence | None = None
        self._is_known = False

    def publish_popular(self, rankings: Mapping[str, Ranking]) -> None:
        """Replace whole rankings, each at once; an empty one is removed."""
        with self._connected():
            for portion in portions_of(rankings):
                self._replacing(partial(self._publish_rankings, portion), [self._names_key], b"set")

    def _publish_rankings(self, rankings: Mapping[str, Ranking]) -> None:
        with self._writing() as pipeline:
            for name, ranking in rankings.items():
                key = self._address.key(f"popular:{name}")
                if ranking:
                    pipeline.set(key, encode(ranking))
                    pipeline.sadd(self._names_key, name)
                else:
                    pipeline.delete(key)
                    pipeline.srem(self._names_key, name)

    def drop_popular_but(self, names: Collection[str]) -> None:
        """Remove all rankings of other names.

        Those that no list names, as an earlier version wrote none, are looked for once among all keys.
        """
        with self._connected():
            self._replacing(
                partial(self._drop_rankings_but, {name.encode() for name in names}), [self._names_key], b"set"
            )

    def _drop_rankings_but(self, kept: set[bytes]) -> None:
        held = set(self._redis.sscan_iter(self._names_key, count=_KEYS_AT_ONCE))
        if not self._has_scanned:
            held.update(self._scan("popular:"))
        for gone in _portions(held - kept):
            with self._writing() as pipeline:
                pipeline.delete(*(self._bytes_key("popular:") + name for name in gone))
                pipeline.srem(self._names_key, *gone)
        self._has_scanned = True

    def drop_neighbours_but(self, item_ids: Collection[str]) -> None:
        """Remove the neighbours of all other items."""
        with self._connected():
            kept = {item_id.encode() for item_id in item_ids}
            gone = {item_id for item_id in self._scan("neighbours:") if item_id not in kept}
            for portion in _portions(gone):
                with self._writing() as pipeline:
                    pipeline.delete(*(self._bytes_key("neighbours:") + item_id for item_id in portion))

    def _scan(self, kind: str) -> Iterator[bytes]:
        """Yield what follows our prefix and `kind` in the keys that begin with them."""
        start = self._bytes_key(kind)
        pattern = re.sub(rb"([\\*?\[\]])", rb"\\\1", start) + b"*"
        for key in self._redis.scan_iter(pattern, count=_KEYS_AT_ONCE):
            yield cast("bytes", key)[len(start) :]

    def _bytes_key(self, kind: str) -> bytes:
        return self._address.key(kind).encode()

    def publish_neighbours(self, neighbours: Mapping[str, Neighbours]) -> None:
        """Replace the neighbours of some items; an item without any loses those it had."""
        with self._connected(), self._writing() as pipeline:
            for item_id, of_item in neighbours.items():
                key = self._address.key(f"neighbours:{item_id}")
                if of_item:
                    pipeline.set(key, encode(of_item))
                else:
                    pipeline.delete(key)

    def publish_items(self, items: Sequence[Item], versions: Mapping[str, int]) -> None:
        """Cache hidden items, and forget others that changed; whoever keeps copies is told."""
        key_of = self._address.key
        with translated_errors(self._address):
            for item_ids, arguments in portions(entries_of(items, versions, ITEM_TTL_S, time.time())):
                keys = [key_of(f"item:{item_id}") for item_id in item_ids]
                fault_point("redis", "eval")
                taken: Any = self._redis.eval(WRITE, len(keys), *keys, *arguments)
                changed = [id_ for id_, held in zip(item_ids, taken, strict=True) if held is not None]
                fault_point("redis", "publish")
                self._redis.publish(key_of(CHANNEL), encode(ChangedItems("trainer", changed)))

    def publish_blend(self, blend: Blend) -> None:
        """Replace what was learned of how to blend sources."""
        with self._connected(), self._writing() as pipeline:
            pipeline.set(self._address.key("blend"), encode(blend))

    def publish_challenger(self, status: ChallengerStatus) -> None:
        """Replace the state of the challenger."""
        with self._connected(), self._writing() as pipeline:
            pipeline.set(self._address.key("challenger"), encode(status))

    def publish_counters(self, counters: Mapping[str, float]) -> None:
        """Replace the trainer's counters."""
        key = self._address.key("counters")
        with self._connected(), self._writing() as pipeline:
            pipeline.delete(key)
            if counters:
                pipeline.hset(key, mapping={name: repr(value) for name, value in counters.items()})

    def publish_report(self, report: TrainerReport, points: Sequence[StatusPoint]) -> None:
        """Replace the trainer's report, and put points of its figures where their rings have them."""
        key_of = self._address.key
        slots_of = {key_of(f"points:{ring.interval_s}"): slots for ring, slots in placed(points).items()}
        with self._connected():
            with self._writing() as pipeline:
                pipeline.set(key_of("report"), encode_report(report))
            self._replacing(partial(self._publish_slots, slots_of), list(slots_of), b"hash")

    def publish_bars(self, update: BarsUpdate) -> None:
        """Forget some items' histories, then replace minutes of others."""
        key_of = self._address.key
        item_ids = list(update.bars)
        with self._connected():
            with self._writing() as pipeline:
                pipeline.set(key_of("history-span"), encode(update.span))
                if update.forgotten:
                    pipeline.delete(*(key_of(f"history:{item_id}") for item_id in update.forgotten))
            for first in range(0, len(item_ids), _ITEMS_AT_ONCE):
                some = {
                    key_of(f"history:{item_id}"): by_slot(update.bars[item_id], update.span.window)
                    for item_id in item_ids[first : first + _ITEMS_AT_ONCE]
                }
                self._replacing(partial(self._publish_slots, some), list(some), b"hash")

    def _publish_slots(self, slots_of: Mapping[str, Any]) -> None:
        with self._writing() as pipeline:
            for key, slots in slots_of.items():
                pipeline.hset(key, mapping=slots)
                pipeline.expire(key, _SLOTS_TTL_S)

    def write_under(self, lease: Callable[[], Lease]) -> None:
        """Let each write from now on be that of a lease's holder."""
        self._fence = Fence(self._address, lease)

    @contextmanager
    def _writing(self) -> Iterator[Pipeline]:
        """Give a pipeline, and execute it at once, unless a later holder of the lease has written."""
        with (
            self._redis.pipeline(transaction=True) as pipeline,
            nullcontext() if self._fence is None else self._fence.passed(pipeline),
        ):
            yield pipeline
            fault_point("redis", "exec")
            pipeline.execute()

    def _replacing(self, write: Callable[[], None], keys: Sequence[str], kind: bytes) -> None:
        """Write; those of its keys that hold a value of another kind are removed before, if there are any."""
        try:
            write()
        except ResponseError as error:
            if not is_of_wrong_kind(error):
                raise
            wrong = keys_of_other_kinds(self._redis, keys, kind)
            if wrong:
                with self._writing() as pipeline:
                    pipeline.delete(*wrong)
                warn_seldom("cache_keys_replaced", n=len(wrong), example=wrong[0])
                if self._count_replaced is not None:
                    self._count_replaced(len(wrong))
            # Without the list of names, what it named is found by looking at all keys.
            self._has_scanned = self._has_scanned and self._names_key not in wrong
            write()

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Speak to Redis in the block; before the first time see that it is one of the kind that we need."""
        try:
            with translated_errors(self._address):
                if not self._is_known:
                    self._redis.mget(self._address.probes())
                    self._is_known = True
                yield
        except Damaged as error:  # somebody writes such keys all the time: the next publication may succeed
            raise Unavailable(str(error)) from error


def _portions(names: Collection[bytes]) -> Iterator[list[bytes]]:
    in_order = list(names)
    for first in range(0, len(in_order), _KEYS_AT_ONCE):
        yield in_order[first : first + _KEYS_AT_ONCE]
