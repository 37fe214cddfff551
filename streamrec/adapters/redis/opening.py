"""Redis by URL."""

from collections.abc import Callable

from streamrec.adapters.redis.cache_publisher import RedisCachePublisher
from streamrec.adapters.redis.connection import address_of
from streamrec.adapters.redis.near_cache import RedisNearCache
from streamrec.ports import CachePublisher, HotCache


def open_cache(url: str) -> HotCache:
    """Open a database for a server, with copies in the process."""
    return RedisNearCache(address_of(url))


def open_cache_publisher(url: str, count_replaced: Callable[[int], None] | None = None) -> CachePublisher:
    """Open a database for the trainer."""
    return RedisCachePublisher(address_of(url), count_replaced)
