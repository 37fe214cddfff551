"""Sources and sinks of a trainer, opened as the settings say."""

from collections.abc import Callable
from functools import partial

from streamrec.adapters.opening import (
    open_cache_publisher,
    open_event_sink,
    open_event_source,
    open_index_lookup,
    open_trainer_store,
)
from streamrec.domain.generations.roles import Role
from streamrec.ports import COMMANDS, INTERACTIONS, EventSource, IndexLookup, Metrics
from streamrec.process.scoped_metrics import metrics_of
from streamrec.promotion.roles import NAMES
from streamrec.publishing.publisher import Sinks
from streamrec.settings.processes import LocationSettings


def open_sinks(locations: LocationSettings, metrics: Metrics) -> Sinks:
    """Open logs, store and cache to write to.

    Raises
    ------
    ConfigurationError
        When a URL does not fit, or its other side refuses us.
    Unavailable
        When a file can't be opened.
    """
    return Sinks(
        events=open_event_sink(locations.events_url),
        vectors=open_event_sink(locations.vectors_url),
        store=open_trainer_store(locations.store_url),
        cache=open_cache_publisher(
            locations.cache_url, partial(metrics_of("champion", metrics).count, "cache_keys_replaced")
        ),
    )


def sources_of_events(locations: LocationSettings, metrics: Metrics) -> Callable[[str], EventSource]:
    """Return what opens a reader of events and commands, which counts under the name of its group's role."""

    def open_source(group: str) -> EventSource:
        role: Role = "challenger" if group == NAMES["challenger"] else "champion"
        count_damaged = partial(metrics_of(role, metrics).count, "damaged_batches")
        topics = [COMMANDS, INTERACTIONS]
        return open_event_source(locations.events_url, topics, group, count_damaged=count_damaged)

    return open_source


def open_lookup(locations: LocationSettings, timeout_s: float) -> IndexLookup | None:
    """Return a client of the index service; None: the index is inside each recommender, out of reach."""
    if locations.is_index_in_process:
        return None
    return open_index_lookup(locations.index_url, timeout_s, locations.index_keys_file)
