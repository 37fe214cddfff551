"""`attribution`: the process that attributes events to lists, and keeps results. A composition root."""

import time
from functools import partial

from streamrec.adapters.opening import open_event_source, open_trainer_store
from streamrec.adapters.statsd.metrics import open_metrics
from streamrec.attribution.context import AttributionProcess
from streamrec.attribution.inputs import KindRules
from streamrec.attribution.run import run_attribution
from streamrec.attribution.two_logs import TwoLogs
from streamrec.cli.training.forward_clock import ForwardClock
from streamrec.cli.training.status_endpoint import serve_status
from streamrec.domain.experiments.definition import Experiment
from streamrec.domain.experiments.outcomes import ExperimentOutcomes
from streamrec.domain.experiments.report import ExperimentResults
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS, Metrics
from streamrec.process.scoped_metrics import ScopedMetrics
from streamrec.process.stop import stop_on_signals
from streamrec.settings.attribution import AttributionSettings
from streamrec.settings.processes import LocationSettings, TrainerSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging


def logs_of(
    locations: LocationSettings, metrics: Metrics, clock: ForwardClock, settle_s: float, group: str
) -> TwoLogs:
    """Open the readers of events and of lists, which commit under a group's name."""
    count_damaged = partial(metrics.count, "damaged_batches")
    events, lists = (
        open_event_source(locations.events_url, topics, group, count_damaged=count_damaged)
        for topics in ([COMMANDS, INTERACTIONS], [IMPRESSIONS])
    )
    return TwoLogs(events, lists, clock, time.monotonic, settle_s)


def results_of(
    experiment: Experiment, outcomes: ExperimentOutcomes, at: float, previous: ExperimentResults | None
) -> ExperimentResults:
    """Return the results of an experiment, out of what was counted."""
    # Imported when there are some: SciPy takes memory that a system without experiments need not have.
    from streamrec.experiments import results

    return results.results_of(experiment, outcomes, at, previous)


def attribution() -> None:
    """Attribute events to the lists that were shown, and keep the results of experiments, until SIGTERM."""
    stop, locations = stop_on_signals(), read_settings(LocationSettings)
    configure_logging(locations.log_level, "attribution")
    settings, trainer = read_settings(AttributionSettings), read_settings(TrainerSettings)
    metrics = ScopedMetrics(open_metrics(locations.statsd_url), "attribution")
    clock = ForwardClock(time.time, time.monotonic)
    run_attribution(
        AttributionProcess(
            open_logs=partial(logs_of, locations, metrics, clock, settings.settle_s),
            store=open_trainer_store(locations.store_url),
            results_of=results_of,
            metrics=metrics,
            artifacts_dir=locations.artifacts_dir,
            rules=KindRules(trainer.weights, settings.click_types, settings.purchase_types),
            settings=settings,
            stop=stop,
            clock=clock,
            status=serve_status(settings.health_address, "attribution"),
        )
    )
