"""stream -> model -> stores: learn from every event as it arrives. A composition root."""

import time
from typing import Annotated

import structlog
import typer

from streamrec.adapters.open_cache import open_cache_publisher
from streamrec.adapters.open_event_sink import open_event_sink
from streamrec.adapters.open_event_source import open_event_source
from streamrec.adapters.open_index import open_index_lookup
from streamrec.adapters.open_store import open_trainer_store
from streamrec.adapters.snapshot_directory import current_generation
from streamrec.adapters.statsd_metrics import open_metrics
from streamrec.cli.status_endpoint import serve_status
from streamrec.errors import StreamrecError
from streamrec.ports import COMMANDS, INTERACTIONS
from streamrec.settings import LearningSettings, PlaceSettings, TrainerSettings
from streamrec.telemetry import configure_logging
from streamrec.training.publisher import Outlets
from streamrec.training.run import Start, TrainerProcess, run_trainer
from streamrec.training.stop_signals import stop_on_signals


def main(start: Annotated[Start, typer.Option(help="Where the stream goes on.")] = "checkpoint") -> None:
    """Learn from the stream until SIGTERM; then learn the tail, checkpoint, commit and exit with 0."""
    stop, places = stop_on_signals(), PlaceSettings()  # a signal while parts are opened is a wish too
    try:
        configure_logging(places.log_level, "trainer")
        settings = TrainerSettings()
        outlets = Outlets(
            events=open_event_sink(places.events_url),
            vectors=open_event_sink(places.vectors_url),
            store=open_trainer_store(places.store_url),
            cache=open_cache_publisher(places.cache_url),
        )
        run_trainer(
            TrainerProcess(
                source=open_event_source(places.events_url, [COMMANDS, INTERACTIONS], "trainer"),
                outlets=outlets,
                index=open_index_lookup(places.index_url, settings.look_up_timeout_s),
                metrics=open_metrics(places.statsd_url),
                artifacts_dir=places.artifacts_dir,
                current_generation=lambda: current_generation(places.artifacts_dir),
                learning=LearningSettings(),
                settings=settings,
                start=start,
                stop=stop,
                clock=time.time,
                status=serve_status(settings.health_address),
            )
        )
    except StreamrecError as error:
        structlog.get_logger().error("trainer_failed", error=str(error))
        raise typer.Exit(2) from error


if __name__ == "__main__":
    typer.run(main)
