"""`history`: the process that keeps items' histories. A composition root."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from streamrec.adapters.opening import open_cache_publisher, open_event_source, open_trainer_store
from streamrec.adapters.statsd.metrics import open_metrics
from streamrec.bars.context import BarsProcess
from streamrec.bars.run import run_bars
from streamrec.bars.ticks import TickRules
from streamrec.cli.training.forward_clock import ForwardClock
from streamrec.cli.training.status_endpoint import serve_status
from streamrec.errors import Unavailable
from streamrec.ports import COMMANDS, INTERACTIONS, CachePublisher, EventSource, Metrics
from streamrec.process.scoped_metrics import ScopedMetrics
from streamrec.process.stop import stop_on_signals
from streamrec.settings.processes import BarsSettings, LocationSettings, TrainerSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging


def cache_of(locations: LocationSettings, metrics: Metrics) -> CachePublisher:
    """Open the hot cache to publish bars to."""
    return open_cache_publisher(locations.cache_url, partial(metrics.count, "cache_keys_replaced"))


def sources_of_ticks(locations: LocationSettings, metrics: Metrics) -> Callable[[str], EventSource]:
    """Return what opens a reader of events and commands under a group's name."""
    return partial(
        open_event_source,
        locations.events_url,
        [COMMANDS, INTERACTIONS],
        count_damaged=partial(metrics.count, "damaged_batches"),
    )


def history() -> None:
    """Keep open, high, low and close of items' values, minute by minute, until SIGTERM."""
    stop, locations = stop_on_signals(), read_settings(LocationSettings)
    configure_logging(locations.log_level, "history")
    settings, trainer = read_settings(BarsSettings), read_settings(TrainerSettings)
    metrics = ScopedMetrics(open_metrics(locations.statsd_url), "history")
    cache = cache_of(locations, metrics)
    with suppress(Unavailable):
        cache.publish_popular({})  # one that refuses us ends the process now, not at the first tick
    run_bars(
        BarsProcess(
            open_source=sources_of_ticks(locations, metrics),
            store=open_trainer_store(locations.store_url),
            cache=cache,
            metrics=metrics,
            artifacts_dir=locations.artifacts_dir,
            rules=TickRules(trainer.weights, settings.types),
            settings=settings,
            stop=stop,
            clock=ForwardClock(time.time, time.monotonic),
            status=serve_status(settings.health_address, "history"),
        )
    )
