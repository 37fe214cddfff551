"""Where a trainer publishes to, opened as the settings say."""

from functools import partial

from streamrec.adapters.open_cache import open_cache_publisher
from streamrec.adapters.open_event_sink import open_event_sink
from streamrec.adapters.open_store import open_trainer_store
from streamrec.ports import Metrics
from streamrec.settings import PlaceSettings
from streamrec.training.publisher import Outlets


def open_outlets(places: PlaceSettings, metrics: Metrics) -> Outlets:
    """Open logs, store and cache to write to.

    Raises
    ------
    ConfigurationError
        When a URL does not fit, or its other side refuses us.
    Unavailable
        When a file can't be opened.
    """
    return Outlets(
        events=open_event_sink(places.events_url),
        vectors=open_event_sink(places.vectors_url),
        store=open_trainer_store(places.store_url),
        cache=open_cache_publisher(places.cache_url, partial(metrics.count, "trainer.cache_keys_replaced")),
    )
