"""Hot caches by URL. Drivers are imported by scheme: nobody loads one that they do not use."""

from collections.abc import Callable

from streamrec.adapters.sqlite.connection import path_of
from streamrec.errors import ConfigurationError
from streamrec.ports import CachePublisher, HotCache
from streamrec.redaction import shown_url

_REDIS = ("redis://", "rediss://")


def open_cache(url: str) -> HotCache:
    """Open the hot cache for a server.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme, or the URL is wrong.
    Unavailable
        When the file can't be opened. Redis is connected to at the first use.
    """
    if url.startswith("sqlite:"):
        from streamrec.adapters.sqlite.cache import SqliteCache

        return SqliteCache(path_of(url))
    if url.startswith(_REDIS):
        from streamrec.adapters.redis.connection import place_of
        from streamrec.adapters.redis.near_cache import RedisNearCache

        return RedisNearCache(place_of(url))
    raise _unknown(url)


def open_cache_publisher(url: str, count_replaced: Callable[[int], None] | None = None) -> CachePublisher:
    """Open the hot cache for the trainer.

    Parameters
    ----------
    count_replaced
        Told how many keys of another kind than ours were replaced.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme, or the URL is wrong.
    Unavailable
        When the file can't be opened. Redis is connected to at the first use.
    """
    if url.startswith("sqlite:"):
        from streamrec.adapters.sqlite.cache_publisher import SqliteCachePublisher

        return SqliteCachePublisher(path_of(url))
    if url.startswith(_REDIS):
        from streamrec.adapters.redis.cache_publisher import RedisCachePublisher
        from streamrec.adapters.redis.connection import place_of

        return RedisCachePublisher(place_of(url), count_replaced)
    raise _unknown(url)


def _unknown(url: str) -> ConfigurationError:
    return ConfigurationError(
        f"no hot cache for {shown_url(url)!r}: use sqlite:///file.db or redis://host:6379/0"
    )
