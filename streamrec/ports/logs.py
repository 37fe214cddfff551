"""Logs, in which events, commands and vectors stand in order."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

INTERACTIONS = "interactions"
REJECTED = "interactions.rejected"
IMPRESSIONS = "impressions"
COMMANDS = "commands"
ITEM_VECTORS = "item-vectors"
USER_VECTORS = "user-vectors"
PROBES = "probes"

COMPACTED_TOPICS = frozenset({REJECTED, ITEM_VECTORS, USER_VECTORS, PROBES})
"""Topics of which only the last value of a key counts; an adapter may drop the older ones."""

Offsets = dict[str, dict[int, int]]


def n_between(offsets: Offsets, ends: Offsets) -> int:
    """Return how many records stand from the offsets to the ends.

    >>> n_between({"a": {0: 5}}, {"a": {0: 7, 1: 2}})
    4
    """
    return sum(
        max(0, end - offsets.get(topic, {}).get(partition, 0))
        for topic, partitions in ends.items()
        for partition, end in partitions.items()
    )


def earliest(offsets: Sequence[Offsets]) -> Offsets:
    """Return the offsets of the one that is furthest behind; a topic or partition that one lacks is left out.

    >>> earliest([{"a": {0: 5}, "b": {0: 1}}, {"a": {0: 7, 1: 2}}])
    {'a': {0: 5}}
    """
    first, *others = offsets
    return {
        topic: {
            number: min(offset, *(other[topic][number] for other in others)) if others else offset
            for number, offset in partitions.items()
            if all(number in other[topic] for other in others)
        }
        for topic, partitions in first.items()
        if all(topic in other for other in others)
    }


class Message(NamedTuple):
    """A record on its way into a log. `value` None is a tombstone.

    `is_last` says that the key is gone with this record: where the broker compacts, a tombstone follows it,
    by which the key is forgotten.
    """

    key: str
    value: bytes | None
    is_last: bool = False


class Fence(NamedTuple):
    """Writer under a name that one writer takes over from another: a later one has a larger `token`."""

    name: str
    token: int


class Record(NamedTuple):
    """A record read from a log. `timestamp` is the log's append time in Unix seconds."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    timestamp: float


class Mark(NamedTuple):
    """A moment in a log: what stands before `offsets` in a partition was appended before it.

    `log` is the log's identity; empty where it has none.
    """

    log: str
    offsets: dict[int, int]


class EventSource(Protocol):
    """Reads one or more topics, all their partitions, in order within a partition."""

    def seek(self, next_offsets: Offsets) -> None:
        """Go on from these offsets; topics and partitions not named start at their beginning.

        Raises
        ------
        LogTruncated
            When a log ends before the offset asked for, or no longer holds it.
        """

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return up to `max_records`, as soon as there is one; empty after `timeout_s` without any.

        Raises
        ------
        LogTruncated
            When the log lost, since the last poll, what would have been read next.
        """

    def next_offsets(self) -> Offsets:
        """Return the offsets at which the next poll goes on."""

    def end_offsets(self) -> Offsets:
        """Return the next offset that each log will give out: lag is the difference."""

    def identity_of(self, topic: str) -> str:
        """Return what tells this log from one that replaces it later; empty where nothing does."""

    def commit(self, next_offsets: Offsets) -> None:
        """Store the group's progress, for the usual lag tools to see. Not what a restart reads.

        Raises
        ------
        Unavailable
            When the log does not take it in some two seconds: a commit must not cost the caller its lease.
        """

    def committed(self) -> Offsets:
        """Return what was last committed for the group."""

    def close(self) -> None:
        """Release the connection."""


class EventSink(Protocol):
    """Appends to topics."""

    def append(self, topic: str, messages: Sequence[Message], fence: Fence | None = None) -> None:
        """Append in order and return once all are durable; all or nothing where the log can do that.

        Parameters
        ----------
        fence
            Where the log can do that, it refuses earlier writers from now on, though no messages
            are given. Where it can't, readers have to pass over older tokens.

        Raises
        ------
        LeaseLost
            When one with a larger token has been here; nothing is written then.
        Overloaded
            When the log takes no more for now.
        """

    def mark(self, topic: str, message: Message) -> Mark:
        """Append a record to each partition, and return their offsets once all are durable.

        What was acknowledged before the call stands before it, whatever partition it is in.

        Raises
        ------
        Overloaded
            When the log takes no more for now.
        Unavailable
            When the log does not answer in time; some may have been written.
        """

    def check(self) -> None:
        """Return when the log answers; takes the time of one round trip, or of a timeout."""

    def close(self) -> None:
        """Release the connection."""
