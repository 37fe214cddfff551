"""Event sinks by URL."""

from streamrec.adapters.sqlite_connection import path_of
from streamrec.adapters.sqlite_events import SqliteEventSink
from streamrec.errors import ConfigurationError
from streamrec.ports import EventSink


def open_event_sink(url: str) -> EventSink:
    """Open a writer of topics.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme.
    Unavailable
        When the log does not answer.
    """
    if url.startswith("sqlite:"):
        return SqliteEventSink(path_of(url))
    raise ConfigurationError(f"no event log for {url!r}: use sqlite:///file.db")
