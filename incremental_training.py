"""stream -> model -> stores: learn from every event as it arrives. A composition root."""

import streamrec.settings.one_thread  # noqa: F401, I001  # before numpy
import time
from typing import Annotated

import structlog
import typer

from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.statsd.metrics import open_metrics
from streamrec.cli.training.housekeeping import open_housekeeping
from streamrec.cli.training.sinks import open_lookup, open_sinks, sources_of_events
from streamrec.cli.training.status_endpoint import serve_status
from streamrec.domain.generations.roles import Role
from streamrec.errors import StreamrecError
from streamrec.cli.training.forward_clock import ForwardClock
from streamrec.process.stop import stop_on_signals
from streamrec.settings.processes import LearningSettings, LocationSettings, TrainerSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging
from streamrec.trainer.run import run_trainer
from streamrec.trainer.trainer_process import StartOrElse, TrainerProcess


def main(
    start: Annotated[StartOrElse, typer.Option(help="Where the stream goes on.")] = "checkpoint",
    role: Annotated[Role, typer.Option(help="Which generation to train.")] = "champion",
) -> None:
    """Learn from the stream until SIGTERM; then learn the tail, checkpoint, commit and exit with 0."""
    try:
        locations, settings = read_settings(LocationSettings), read_settings(TrainerSettings)
        configure_logging(locations.log_level, "trainer")
        with open_housekeeping(locations, metrics := open_metrics(locations.statsd_url)):
            run_trainer(
                TrainerProcess(
                    stop=stop_on_signals(),  # first: a signal while parts are opened is a wish too
                    open_source=sources_of_events(locations, metrics),
                    sinks=open_sinks(locations, metrics),
                    index=open_lookup(locations, settings.look_up_timeout_s),
                    metrics=metrics,
                    artifacts_dir=locations.artifacts_dir,
                    roles=SnapshotRoles(locations.artifacts_dir),
                    role=role,
                    learning=read_settings(LearningSettings),
                    settings=settings,
                    start=start,
                    clock=ForwardClock(time.time, time.monotonic),
                    status=serve_status(settings.health_address),
                )
            )
    except StreamrecError as error:
        structlog.get_logger().error("trainer_failed", error=str(error))
        raise typer.Exit(2) from error


if __name__ == "__main__":
    typer.run(main)
