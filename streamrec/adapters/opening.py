"""Stores, caches, logs and the index by URL: the scheme picks the adapter, and only its driver is loaded.

An adapter is a folder with a module ``opening``, which has the functions of each port that it serves, under
the names and with the parameters that they have here, and a line of `ADAPTERS`.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, NamedTuple

from streamrec.errors import ConfigurationError
from streamrec.ports import CachePublisher, DocumentStore, EventSink, EventSource, HotCache, TrainerStore
from streamrec.redaction import shown_url

if TYPE_CHECKING:  # the index server's image has no HTTP client
    from streamrec.adapters.index_http.client import HttpIndex
    from streamrec.adapters.index_http.lookup import BlockingIndex

PortName = Literal["event log", "document store", "hot cache", "index"]


class Adapter(NamedTuple):
    """A folder of `streamrec.adapters`, the port that it serves, and a URL as an example."""

    folder: str
    ports: tuple[PortName, ...]
    example: str


ADAPTERS: dict[str, Adapter] = {
    "sqlite": Adapter("sqlite", ("event log", "document store", "hot cache"), "sqlite:///file.db"),
    "kafka": Adapter("kafka", ("event log",), "kafka://host:9092"),
    "kafka+confluent": Adapter("kafka", ("event log",), "kafka+confluent://host:9092"),
    "mongodb": Adapter("mongo", ("document store",), "mongodb://host:27017"),
    "mongodb+srv": Adapter("mongo", ("document store",), "mongodb+srv://host"),
    "redis": Adapter("redis", ("hot cache",), "redis://host:6379/0"),
    "rediss": Adapter("redis", ("hot cache",), "rediss://host:6379/0"),
    "http": Adapter("index_http", ("index",), "http://host:8100"),
    "https": Adapter("index_http", ("index",), "https://host:8100"),
}
"""By scheme."""


def open_event_source(
    url: str, topics: Sequence[str], group: str, *, count_damaged: Callable[[int], None] | None = None
) -> EventSource:
    """Open a reader of `topics` that stands at their beginnings and commits as `group`.

    A server is connected to at the first use; so it is by all functions here.

    Parameters
    ----------
    count_damaged
        Told how many batches of Kafka were passed over that can't be unpacked.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme, or the URL does not fit it.
    Unavailable
        When a file can't be opened.
    """
    source: EventSource = _adapter("event log", url).open_event_source(
        url, topics, group, count_damaged=count_damaged
    )
    return source


def open_event_sink(url: str) -> EventSink:
    """Open a writer of topics; raises as `open_event_source`."""
    sink: EventSink = _adapter("event log", url).open_event_sink(url)
    return sink


def require_codecs(url: str) -> None:
    """See that whoever reads this log can unpack what others may have compressed.

    Raises
    ------
    ConfigurationError
        When a package is missing; it is named.
    """
    _adapter("event log", url).require_codecs(url)


def open_store(url: str) -> DocumentStore:
    """Open the document store for a server; raises as `open_event_source`."""
    store: DocumentStore = _adapter("document store", url).open_store(url)
    return store


def open_trainer_store(url: str) -> TrainerStore:
    """Open the document store for the trainer; raises as `open_event_source`."""
    store: TrainerStore = _adapter("document store", url).open_trainer_store(url)
    return store


def open_cache(url: str) -> HotCache:
    """Open the hot cache for a server; raises as `open_event_source`."""
    cache: HotCache = _adapter("hot cache", url).open_cache(url)
    return cache


def open_cache_publisher(url: str, count_replaced: Callable[[int], None] | None = None) -> CachePublisher:
    """Open the hot cache for the trainer; raises as `open_event_source`.

    Parameters
    ----------
    count_replaced
        Told how many keys of another kind than ours were replaced.
    """
    cache: CachePublisher = _adapter("hot cache", url).open_cache_publisher(url, count_replaced)
    return cache


def open_index(url: str, timeout_s: float, keys_file: Path | None = None) -> "HttpIndex":
    """Return a client of the index service; raises as `open_event_source`.

    Parameters
    ----------
    keys_file
        File whose first key is sent; None: none is.
    """
    index: HttpIndex = _adapter("index", url).open_index(url, timeout_s, keys_file)
    return index


def open_index_lookup(url: str, timeout_s: float, keys_file: Path | None = None) -> "BlockingIndex":
    """Return a client of the index service for one thread; as `open_index`."""
    index: BlockingIndex = _adapter("index", url).open_index_lookup(url, timeout_s, keys_file)
    return index


def _adapter(port: PortName, url: str) -> ModuleType:
    """Return the module that opens this URL; its signatures are held to those above by a test."""
    adapter = ADAPTERS.get(url.partition(":")[0])
    if adapter is None or port not in adapter.ports:
        known = [adapter.example for adapter in ADAPTERS.values() if port in adapter.ports]
        possible = f"{', '.join(known[:-1])} or {known[-1]}"
        raise ConfigurationError(f"no {port} for {shown_url(url)!r}: use {possible}")
    return import_module(f"streamrec.adapters.{adapter.folder}.opening")
