"""SQLite files by URL: event log, document store and hot cache."""

from collections.abc import Callable, Sequence

from streamrec.adapters.sqlite.cache import SqliteCache
from streamrec.adapters.sqlite.cache_publisher import SqliteCachePublisher
from streamrec.adapters.sqlite.connection import path_of
from streamrec.adapters.sqlite.events import SqliteEventSink, SqliteEventSource
from streamrec.adapters.sqlite.store import SqliteStore
from streamrec.adapters.sqlite.trainer_store import SqliteTrainerStore
from streamrec.ports import CachePublisher, DocumentStore, EventSink, EventSource, HotCache, TrainerStore


def open_event_source(
    url: str,
    topics: Sequence[str],
    group: str,
    *,
    count_damaged: Callable[[int], None] | None = None,  # noqa: ARG001 nothing is packed in a file
) -> EventSource:
    """Open a reader of a file."""
    return SqliteEventSource(path_of(url), topics, group)


def open_event_sink(url: str) -> EventSink:
    """Open a writer of a file."""
    return SqliteEventSink(path_of(url))


def require_codecs(url: str) -> None:
    """Return: nothing is compressed in a file."""


def open_store(url: str) -> DocumentStore:
    """Open a file for a server."""
    return SqliteStore(path_of(url))


def open_trainer_store(url: str) -> TrainerStore:
    """Open a file for the trainer."""
    return SqliteTrainerStore(path_of(url))


def open_cache(url: str) -> HotCache:
    """Open a file for a server."""
    return SqliteCache(path_of(url))


def open_cache_publisher(
    url: str,
    count_replaced: Callable[[int], None] | None = None,  # noqa: ARG001 no other kinds fit into a table
) -> CachePublisher:
    """Open a file for the trainer."""
    return SqliteCachePublisher(path_of(url))
