"""Hot caches by URL. Drivers are imported by scheme: nobody loads one that they do not use."""

from streamrec.adapters.sqlite_connection import path_of
from streamrec.errors import ConfigurationError
from streamrec.ports import CachePublisher, HotCache


def open_cache(url: str) -> HotCache:
    """Open the hot cache for a server.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme.
    Unavailable
        When the cache does not answer.
    """
    if url.startswith("sqlite:"):
        from streamrec.adapters.sqlite_cache import SqliteCache

        return SqliteCache(path_of(url))
    raise _unknown(url)


def open_cache_publisher(url: str) -> CachePublisher:
    """Open the hot cache for the trainer.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme.
    Unavailable
        When the cache does not answer.
    """
    if url.startswith("sqlite:"):
        from streamrec.adapters.sqlite_cache import SqliteCachePublisher

        return SqliteCachePublisher(path_of(url))
    raise _unknown(url)


def _unknown(url: str) -> ConfigurationError:
    return ConfigurationError(f"no hot cache for {url!r}: use sqlite:///file.db")
