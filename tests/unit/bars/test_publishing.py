"""What is published first, what waits on, and what the cache is told before the first tick."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import redis
from structlog.testing import capture_logs

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.opening import open_cache_publisher
from streamrec.adapters.sqlite.cache import SqliteCache
from streamrec.adapters.sqlite.cache_publisher import SqliteCachePublisher
from streamrec.bars.publishing import BarsPublishing, Waiting
from streamrec.domain.bars.bar import BarsUpdate
from streamrec.domain.bars.minute_table import MinuteTable, Ticks
from streamrec.errors import Unavailable
from streamrec.ports import CachePublisher
from streamrec.process.retries import LONGEST_PAUSE_S
from streamrec.settings.processes import BarsSettings
from streamrec.telemetry import NullMetrics


class World:
    """Histories of a few items, what is published of them, and a clock that is set."""

    def __init__(self, cache: CachePublisher, **settings: Any) -> None:
        self.now = 100.0
        self.history = MinuteTable(5, max_items=10)
        self.publishing = BarsPublishing(
            self.history, cache, BarsSettings(**settings), NullMetrics(), lambda: self.now
        )

    def tick(self, now: float, *item_ids: str) -> None:
        """Let something happen to each, now and a minute before."""
        self.now = now
        times = np.repeat([now - 60, now], len(item_ids))
        self.publishing.note(self.history.add(Ticks(item_ids * 2, times, times, times)))


class SeenUpdates(MemoryCache):
    """Remembers whose minutes came; away while it is told so."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[str] = []
        self.is_away = False
        self.before_each: Callable[[], None] = lambda: None

    def publish_bars(self, update: BarsUpdate) -> None:
        self.before_each()
        if self.is_away:
            raise Unavailable("away")
        self.published += update.bars
        super().publish_bars(update)


def test_who_waits_longest_goes_first_while_there_is_more_than_one_portion() -> None:
    cache = SeenUpdates()
    world = World(cache, max_published_bars=3)
    world.tick(100.0, "a", "b", "c")
    for now in (101.0, 102.0, 103.0):
        assert world.publishing.publish()
        world.tick(now, "a")  # the first row always has something new
    assert cache.published == ["a", "b", "c"]


def test_what_waits_tells_since_when_though_the_cache_refuses_it() -> None:
    cache = SeenUpdates()
    world = World(cache, max_published_bars=1)
    world.tick(100.0, "a", "b")
    cache.is_away = True
    for now in (103.0, 106.0):
        world.now = now
        assert not world.publishing.publish()
    assert world.publishing.gauges() == {"waiting_items": 2.0, "staleness_s": 6.0}


def test_a_cache_that_was_silent_for_long_is_published_to_soon_again() -> None:
    cache = SeenUpdates()
    world = World(cache)
    cache.before_each = lambda: setattr(world, "now", world.now + 60.0)
    world.tick(100.0, "a")
    world.publishing.publish_if_due()
    cache.before_each = lambda: None
    world.tick(160.0 + LONGEST_PAUSE_S, "b")
    world.publishing.publish_if_due()
    assert cache.published == ["a", "b"]


def test_a_cache_that_is_told_before_the_first_tick_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    world = World(SqliteCachePublisher(path))
    world.publishing.note_waiting(Waiting(np.zeros(0, np.int64), ["of the log before"]))
    assert world.publishing.publish()
    assert asyncio.run(SqliteCache(path).history("a")) is None


def test_a_redis_that_refuses_is_told_once_and_published_to_once_it_takes_again(redis_url: str) -> None:
    with (
        closing(open_cache_publisher(redis_url)) as cache,
        redis.Redis.from_url(redis_url) as server,
        capture_logs() as lines,
    ):
        publishing = BarsPublishing(
            history := MinuteTable(5, max_items=10), cache, BarsSettings(), NullMetrics(), time.monotonic
        )
        publishing.note(history.add(Ticks(["a"], np.array([60.0]), np.array([1.0]), np.array([60.0]))))
        server.config_set("maxmemory", 1)
        try:
            n_seen, deadline = server.info("stats")["total_error_replies"], time.monotonic() + 30.0
            while server.info("stats")["total_error_replies"] < n_seen + 6 and time.monotonic() < deadline:
                publishing.publish_if_due()
            assert publishing.is_waiting
        finally:
            server.config_set("maxmemory", 0)
        assert [line["event"] for line in lines] == ["history_not_published"]
        while publishing.is_waiting and time.monotonic() < deadline:
            publishing.publish_if_due()
        assert server.hlen("streamrec:history:a") == 1
