"""The hot cache in Redis, as the trainer uses it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from redis import BlockingConnectionPool, Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

from streamrec.adapters.redis_connection import N_CONNECTIONS, N_RETRIES, OPTIONS, RedisPlace, in_our_words
from streamrec.adapters.redis_values import encode
from streamrec.domain.bar import HistoryUpdate, by_slot
from streamrec.domain.blend import Blend
from streamrec.ports import Neighbours, RankedItem

_MEMBERS_AT_ONCE = 1000
"""In one transaction: some 3 ms, during which Redis answers nobody else."""

_ITEMS_AT_ONCE = 500
"""Histories in one round trip: the answers of more would wait in memory."""

_HISTORY_TTL_S = 86_400
"""Whatever left Redis without a history that knows of it goes after a day."""

Ranking = Sequence[RankedItem]


class RedisCachePublisher:
    """Implements `CachePublisher`. Safe to call from several threads.

    Every publication is whole, so a Redis that was emptied is as before after the next one.
    """

    def __init__(self, place: RedisPlace) -> None:
        self._place = place
        retry = Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.1), N_RETRIES)
        pool = BlockingConnectionPool.from_url(
            place.url, retry=retry, max_connections=N_CONNECTIONS, timeout=2.0, **OPTIONS
        )
        self._redis = Redis.from_pool(pool)

    def publish_popular(self, rankings: Mapping[str, Ranking]) -> None:
        """Replace whole rankings, each at once. A name is ``window`` or ``window:category``."""
        with in_our_words(self._place):
            for chunk in _chunks(rankings):
                with self._redis.pipeline(transaction=True) as pipeline:
                    for name, ranking in chunk.items():
                        key = self._place.key(f"popular:{name}")
                        pipeline.delete(key)
                        if ranking:
                            pipeline.zadd(key, dict(ranking))
                    pipeline.execute()

    def publish_neighbours(self, neighbours: Mapping[str, Neighbours]) -> None:
        """Replace the neighbours of some items; an item without any loses those it had."""
        with in_our_words(self._place), self._redis.pipeline(transaction=False) as pipeline:
            for item_id, of_item in neighbours.items():
                key = self._place.key(f"neighbours:{item_id}")
                if of_item:
                    pipeline.set(key, encode(of_item))
                else:
                    pipeline.delete(key)
            pipeline.execute()

    def publish_blend(self, blend: Blend) -> None:
        """Replace what was learned of how to blend sources."""
        with in_our_words(self._place):
            self._redis.set(self._place.key("blend"), encode(blend))

    def publish_counters(self, counters: Mapping[str, float]) -> None:
        """Replace the trainer's counters."""
        key = self._place.key("counters")
        with in_our_words(self._place), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(key)
            if counters:
                pipeline.hset(key, mapping={name: repr(value) for name, value in counters.items()})
            pipeline.execute()

    def publish_history(self, update: HistoryUpdate) -> None:
        """Forget some items' histories, then replace minutes of others."""
        key_of, window = self._place.key, update.span.window
        with in_our_words(self._place), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.set(key_of("history-span"), encode(update.span))
            if update.forgotten:
                pipeline.delete(*(key_of(f"history:{item_id}") for item_id in update.forgotten))
            for number, (item_id, packed) in enumerate(update.bars.items(), start=1):
                key = key_of(f"history:{item_id}")
                slots: Any = by_slot(packed, window)  # the driver asks for a wider type of keys
                pipeline.hset(key, mapping=slots)
                pipeline.expire(key, _HISTORY_TTL_S)
                if number % _ITEMS_AT_ONCE == 0:
                    pipeline.execute()
            pipeline.execute()

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


def _chunks(rankings: Mapping[str, Ranking]) -> Iterator[dict[str, Ranking]]:
    chunk: dict[str, Ranking] = {}
    n_members = 0
    for name, ranking in rankings.items():
        if chunk and n_members + len(ranking) > _MEMBERS_AT_ONCE:
            yield chunk
            chunk, n_members = {}, 0
        chunk[name] = ranking
        n_members += len(ranking)
    if chunk:
        yield chunk
