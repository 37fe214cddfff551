"""Records of a topic, from its beginning to where it ends now."""

from collections.abc import Iterator
from contextlib import closing

from streamrec.adapters.opening import open_event_source
from streamrec.cli.training.initial_history import until_told
from streamrec.ports import COMPACTED_TOPICS, Record, n_between

_AT_ONCE = 8192

_GROUP = "reader"

_MOST_SILENT = 3
"""Seconds: the last records of a compacted topic may be gone, and nothing tells that from a slow log."""


def records_of(url: str, topic: str) -> Iterator[Record]:
    """Yield what a topic holds up to its present end; waits for a log that is away.

    Raises
    ------
    LogTruncated
        When the log loses what would be read next.
    ConfigurationError
        When the log refuses us.
    """
    patient, n_silent = until_told(), 0
    with closing(open_event_source(url, [topic], _GROUP)) as source:
        patient(source.seek, {})
        ends = patient(source.end_offsets)
        of_topic = ends.get(topic, {})
        while n_between(source.next_offsets(), ends) and n_silent < _MOST_SILENT:
            records = patient(source.poll, _AT_ONCE, 1.0)
            n_silent += not records and topic in COMPACTED_TOPICS
            yield from (one for one in records if one.offset < of_topic.get(one.partition, 0))
