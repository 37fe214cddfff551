"""Histories that initial training learns from: a file, a data set, or the log."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any

from tenacity import Retrying

from streamrec.adapters.opening import open_event_source, open_trainer_store
from streamrec.datasets.event_set import EventSet
from streamrec.domain.events.interaction import Interaction
from streamrec.learning.initial.past import ErasedUsers, PastCommands, events_of, say_left_out
from streamrec.ports import INTERACTIONS, Offsets
from streamrec.process.erasures import open_erasures
from streamrec.process.retries import patiently
from streamrec.redaction import shown_url
from streamrec.settings.processes import LocationSettings
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
    """

    read: Callable[[ErasedUsers, PastCommands], Iterable[Interaction]]
    lineage: dict[str, Any]
    stream_offsets: Offsets
    log: str = ""


def history_of(events: EventSet, until_fraction: float) -> History:
    """Return the first part of a data set, by time."""
    end = events.split_at(until_fraction)
    lineage = {"name": events.name, "sha256": events.content_hash, "until_fraction": until_fraction}

    def read(erased: ErasedUsers, _commands: PastCommands) -> Iterator[Interaction]:
        yield from erased.without_earlier(events[:end])
        say_left_out(erased.n_left_out)

    return History(read, lineage | {"n_events": end}, {})


def history_of_stream(locations: LocationSettings) -> History:
    """Return all that the interactions topic holds by now."""
    source = open_event_source(locations.events_url, [INTERACTIONS], LEASE)
    patient = until_told()
    patient(source.seek, {})  # the log may begin later than at 0: its retention removes what is old
    ends = patient(source.end_offsets)

    def read(_erased: ErasedUsers, commands: PastCommands) -> Iterator[Interaction]:
        store = open_trainer_store(locations.store_url)
        erasures = patient(open_erasures, store, source, time.time)
        store.close()
        return events_of(source, ends, erasures.void, commands.erased_at)

    lineage = {"name": shown_url(locations.events_url), "offsets": ends}
    return History(read, lineage, ends, patient(source.identity_of, INTERACTIONS))
