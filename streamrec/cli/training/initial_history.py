"""Histories that initial training learns from: a file or a data set, or nothing."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any

from tenacity import Retrying

from streamrec.cli.training.provenance import OF_NOTHING
from streamrec.datasets.event_set import EventSet
from streamrec.domain.events.interaction import Interaction
from streamrec.learning.initial.past import ErasedUsers, PastCommands, say_left_out
from streamrec.ports import Offsets
from streamrec.process.retries import patiently
from streamrec.telemetry import NullMetrics

LEASE = "initial-training"


def until_told() -> Retrying:
    """Return a caller that waits for parts that are away; Ctrl-C ends it."""
    return patiently(Event(), NullMetrics())


@dataclass(frozen=True)
class History:
    """Events to learn from, and what they are for the record.

    Attributes
    ----------
    read
        Yields the events in their order, without those from before their user's erasure.
    log
        Identity of the log that they are of; empty for others.
    stream_offsets
        Where the stream goes on after them.
    is_nothing
        Whether there is none: a model that has learned nothing is to be made, and learns from the stream.
    """

    read: Callable[[ErasedUsers, PastCommands], Iterable[Interaction]]
    lineage: dict[str, Any]
    stream_offsets: Offsets
    log: str = ""
    is_nothing: bool = False


def no_history() -> History:
    """Return a history without events; the stream goes on at its beginning."""
    return History(lambda _erased, _commands: (), OF_NOTHING, {}, is_nothing=True)


def history_of(events: EventSet, until_fraction: float) -> History:
    """Return the first part of a data set, by time."""
    end = events.split_at(until_fraction)
    lineage = {"name": events.name, "sha256": events.content_hash, "until_fraction": until_fraction}

    def read(erased: ErasedUsers, _commands: PastCommands) -> Iterator[Interaction]:
        yield from erased.without_earlier(events[:end])
        say_left_out(erased.n_left_out)

    return History(read, lineage | {"n_events": end}, {})
