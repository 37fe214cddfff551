"""Logs that the index service follows, opened as the settings say."""

from functools import partial

from faiss_server.loader import OpenSource
from streamrec.adapters.opening import open_event_source
from streamrec.ports import COMMANDS, EventSource, Metrics
from streamrec.settings.processes import LocationSettings


def sources_of(locations: LocationSettings, metrics: Metrics) -> OpenSource:
    """Return what opens a reader of one topic, of the commands or of vectors."""

    def open_source(topic: str) -> EventSource:
        url = locations.events_url if topic == COMMANDS else locations.vectors_url
        count = partial(metrics.count, "index.damaged_batches")
        return open_event_source(url, topics=[topic], group="index", count_damaged=count)

    return open_source
