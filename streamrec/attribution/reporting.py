"""Results of experiments: worked out when counts have changed, written to the store, and acted on."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec
import structlog

from streamrec.attribution.state.attribution_state import AttributionState
from streamrec.domain.experiments.definition import Experiment
from streamrec.domain.experiments.editing import successor
from streamrec.domain.experiments.outcomes import ExperimentOutcomes
from streamrec.domain.experiments.report import ExperimentResults
from streamrec.errors import InvalidInput, Unavailable
from streamrec.log_limits import warn_seldom
from streamrec.ports import ExperimentStore, Metrics
from streamrec.process.lease import LeaseKeeper
from streamrec.process.retries import LONGEST_PAUSE_S, pause_after
from streamrec.settings.attribution import AttributionSettings
from streamrec.telemetry import timed

ResultsOf = Callable[[Experiment, ExperimentOutcomes, float, ExperimentResults | None], ExperimentResults]

_encode = msgspec.json.Encoder().encode


class Reports(NamedTuple):
    """Outward parts of the reporting.

    Attributes
    ----------
    clock
        Unix seconds.
    results_of
        Works results out.
    """

    store: ExperimentStore
    metrics: Metrics
    clock: Callable[[], float]
    results_of: ResultsOf


class Reporting:
    """Writes results of experiments whose counts changed; stops one whose guardrail is broken.

    Parameters
    ----------
    last
        Results that were worked out before, by experiment id.

    Attributes
    ----------
    last
        The newest ones.
    """

    def __init__(
        self,
        state: AttributionState,
        lease: LeaseKeeper,
        settings: AttributionSettings,
        parts: Reports,
        last: dict[str, ExperimentResults],
    ) -> None:
        self._state, self._lease, self._settings = state, lease, settings
        self._parts = parts
        self.last = last
        self._waiting: dict[str, None] = {}
        self._due = parts.clock()

    def note(self, experiment_ids: Iterable[str]) -> None:
        """Let the results of experiments wait to be written."""
        self._waiting.update(dict.fromkeys(sorted(experiment_ids)))

    def publish_if_due(self, now: float) -> None:
        """Publish what waits, if it is time to and the share of the time allows it."""
        pause_s = self._settings.results_interval_s
        # A clock that was set back must not make us wait for hours.
        if self._waiting and not 0 < self._due - now <= max(pause_s, LONGEST_PAUSE_S):
            self.publish()
            took_s = max(0.0, self._parts.clock() - now)
            self._due = now + max(pause_s, pause_after(took_s, self._settings.results_share))

    def publish(self) -> None:
        """Publish what waits; what the store does not take waits on."""
        for id_ in list(self._waiting):
            try:
                self._lease.renew_if_due()
                with timed(self._parts.metrics, "results"):
                    self._publish(id_)
            except Unavailable as error:
                self._parts.metrics.count("result_failures")
                warn_seldom("results_not_written", error=str(error))
                return
            del self._waiting[id_]

    def _publish(self, id_: str) -> None:
        tally = self._state.tallies.get(id_)
        if tally is None:
            self.last.pop(id_, None)
            return
        experiment, parts = tally.experiment, self._parts
        try:
            results = parts.results_of(
                experiment, tally.state.outcomes, self._state.settled_to, self.last.get(id_)
            )
        except (InvalidInput, ArithmeticError, ValueError) as error:
            # Numbers that no test has thought of: the other experiments' results, and the counts, go on.
            parts.metrics.count("result_failures")
            warn_seldom("results_not_worked_out", about=id_, error=f"{type(error).__name__}: {error}")
            return
        if parts.store.write_results(id_, _encode(results), self._lease.lease):
            parts.metrics.count("results_written")
        self.last[id_] = results
        self._stop_if_broken(experiment, results)

    def _stop_if_broken(self, experiment: Experiment, results: ExperimentResults) -> None:
        """Stop an experiment one of whose variants broke a guardrail."""
        broken = [one for one in results.guardrails if one.state == "broken"]
        if experiment.state != "running" or not broken:
            return
        now = self._parts.clock()
        reason = "; ".join(f"{one.variant} breaks the guardrail on {one.metric}" for one in broken)
        stopped = msgspec.structs.replace(
            experiment,
            state="stopped",
            stopped_at=now,
            stopped_by="guardrail",
            reason=reason[:1000],
            verdict=results.verdict,
        )
        changed = successor(experiment, stopped, now)
        # Where somebody has changed it since, the results of what it is now decide.
        if self._parts.store.replace_experiment(changed, experiment.version):
            self._parts.metrics.count("stops")
            structlog.get_logger().warning("experiment_stopped", experiment=experiment.id, because=reason)
