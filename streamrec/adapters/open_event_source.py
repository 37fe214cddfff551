"""Event sources by URL."""

from collections.abc import Sequence

from streamrec.adapters.sqlite_connection import path_of
from streamrec.adapters.sqlite_events import SqliteEventSource
from streamrec.errors import ConfigurationError
from streamrec.ports import EventSource


def open_event_source(url: str, topics: Sequence[str], group: str) -> EventSource:
    """Open a reader of `topics` that stands at their beginnings and commits as `group`.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme.
    Unavailable
        When the log does not answer.
    """
    if url.startswith("sqlite:"):
        return SqliteEventSource(path_of(url), topics, group)
    raise ConfigurationError(f"no event log for {url!r}: use sqlite:///file.db")
