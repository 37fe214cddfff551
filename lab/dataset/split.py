"""Cut of a history by time into training, validation and test."""

from typing import NamedTuple

from lab.configuration.result_sections import SplitSection
from streamrec.datasets.event_set import EventSet


class Split(NamedTuple):
    """Three parts of one history, one after the other."""

    training: EventSet
    validation: EventSet
    test: EventSet


def split_by_time(events: EventSet, settings: SplitSection) -> Split:
    """Cut events into three parts; all events of one moment fall into the same part.

    A global cut: nothing in an earlier part happened after anything in a later one, so that no model knows
    the future (Meng et al. 2020, Exploring data splitting strategies for the evaluation of recommendation
    models, section 3).
    """
    test = _moment_begins(events, events.split_at(1 - settings.test))
    validation = _moment_begins(events, events.split_at(1 - settings.test - settings.validation))
    return Split(events[:validation], events[validation:test], events[test:])


def _moment_begins(events: EventSet, position: int) -> int:
    """Return the position of the first event of the moment that the one at `position` belongs to."""
    if position >= len(events):
        return len(events)
    return int(events.timestamps.searchsorted(events.timestamps[position], side="left"))
