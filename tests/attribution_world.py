"""Logs, a store and an attribution over them, in memory but for the checkpoint."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec

from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.adapters.memory.store import MemoryStore
from streamrec.attribution.checkpoint import AttributionCheckpoint
from streamrec.attribution.context import CHECKPOINT_FILE, AttributionProcess
from streamrec.attribution.inputs import KindRules
from streamrec.attribution.run import run_attribution
from streamrec.attribution.two_logs import TwoLogs
from streamrec.cli.training.forward_clock import ForwardClock
from streamrec.domain.experiments.definition import Experiment, Variant
from streamrec.domain.experiments.exposure import Exposure, encode_exposure
from streamrec.domain.experiments.outcomes import ExperimentOutcomes
from streamrec.domain.experiments.report import ExperimentResults
from streamrec.experiments.results import results_of
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS, Message, Metrics, Record
from streamrec.process.scoped_metrics import ScopedMetrics
from streamrec.process.stop import StopRequest
from streamrec.settings.attribution import AttributionSettings
from streamrec.telemetry import NullMetrics
from tests.builders import WEIGHTS

PURCHASES = frozenset({"purchase"})


def experiment(id_: str = "x", **fields: Any) -> Experiment:
    """Return a running experiment of two variants, with short times."""
    given: dict[str, Any] = {
        "version": 1,
        "variants": (Variant("a"), Variant("b")),
        "control": "a",
        "primary": "ctr",
        "state": "running",
        "window_s": 100.0,
        "outcome_s": 1000.0,
    }
    return Experiment(id_, **given | fields)


def shown(user: str, at: float, *items: str, **fields: Any) -> Exposure:
    """Return a list that was shown in variant a, unless the fields say otherwise."""
    given = {"request_id": f"{user}@{at:g}", "experiments": [("x", 1, "a")]}
    return Exposure(user_id=user, at=at, items=list(items), **given | fields)


class AttributionWorld:
    """A second run over the same world is what a restart is.

    Attributes
    ----------
    now
        Time of the logs, the process and its stopwatch; it goes on by itself, a millisecond at a look.
    behind_s
        Seconds that the clock of the process's machine is behind.
    """

    def __init__(self, folder: Path, metrics: Metrics | None = None) -> None:
        self.folder = folder
        self.metrics = metrics or NullMetrics()
        self.now = 1_700_000_000.0
        self.behind_s = 0.0
        self.log = MemoryEventLog(self.clock)
        self.sink = MemoryEventSink(self.log)
        self.store = MemoryStore()

    def clock(self) -> float:
        """Return the time."""
        self.now += 0.001
        return self.now

    def define(self, *experiments: Experiment) -> None:
        """Put definitions in place of those that are there."""
        for one in experiments:
            known = self.store.documents.get(one.id, (0, b""))
            self.store.replace_experiment(one, known[0])

    def show(self, *exposures: Exposure | bytes) -> None:
        """Append lists, or what is none."""
        self.sink.append(
            IMPRESSIONS,
            [Message("key", one if isinstance(one, bytes) else encode_exposure(one)) for one in exposures],
        )

    def send(self, *events: dict[str, Any] | bytes) -> None:
        """Append events, or what is none."""
        payloads = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in events]
        self.sink.append(INTERACTIONS, [Message("key", payload) for payload in payloads])

    def click(self, user: str, item: str, **fields: Any) -> None:
        """Append a click, or an event of another type."""
        self.send({"user_id": user, "item_id": item, "type": "click", **fields})

    def fill(self, n_users: int) -> None:
        """Show each user a list; users of variant a click more."""
        for number in range(n_users):
            variant = "ab"[number % 2]
            self.show(shown(f"u{number}", self.now, "i", "j", "k", experiments=[("x", 1, variant)]))
            for item in "ijk"[: 1 + number % 3 if variant == "a" else number % 3 // 2]:
                self.click(f"u{number}", item)

    def process(self, n_polls: int, owner: str = "one", **settings: Any) -> AttributionProcess:
        """Return a process that is told to stop after so many polls."""
        stop, clock = StopRequest(), ForwardClock(lambda: self.clock() - self.behind_s, self.clock)

        def open_logs(group: str) -> TwoLogs:
            events = _StoppingSource(self, group, stop, n_polls)
            lists = MemoryEventSource(self.log, [IMPRESSIONS], group)
            return TwoLogs(events, lists, clock, self.clock, 10.0)

        return AttributionProcess(
            open_logs=open_logs,
            store=self.store,
            results_of=results_of,
            metrics=ScopedMetrics(self.metrics, "attribution"),
            artifacts_dir=self.folder,
            rules=KindRules(WEIGHTS, frozenset(), PURCHASES),
            settings=AttributionSettings(**settings),
            stop=stop,
            clock=clock,
            owner=owner,
        )

    def run(self, n_polls: int = 3, **settings: Any) -> None:
        """Attribute for some polls, and stop in good order."""
        run_attribution(self.process(n_polls, **settings))

    def run_until_settled(self, later_s: float = 100.0, **settings: Any) -> None:
        """Attribute what is there, as it stands some time later."""
        self.run(**settings)
        self.now += later_s
        self.run(n_polls=400, **settings)

    def results(self, id_: str = "x") -> ExperimentResults | None:
        """Return the results that were written last."""
        written = asyncio.run(self.store.get_results(id_))
        return None if written is None else msgspec.json.decode(written, type=ExperimentResults)

    def outcomes(self, id_: str = "x") -> ExperimentOutcomes:
        """Return what the checkpoint has counted."""
        saved = AttributionCheckpoint(self.folder / CHECKPOINT_FILE).read()
        assert saved is not None
        return saved.state.tallies[id_].outcomes

    def clicks(self, variant: str = "a", id_: str = "x") -> int:
        """Return how many clicks a variant has in the results."""
        results = self.results(id_)
        return 0 if results is None else results.funnel[variant].clicks


class _StoppingSource(MemoryEventSource):
    """Makes the request to stop when it is polled for the n-th time."""

    def __init__(self, world: AttributionWorld, group: str, stop: StopRequest, n_polls: int) -> None:
        super().__init__(world.log, [COMMANDS, INTERACTIONS], group)
        self._stop = stop
        self._n_left = n_polls

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        self._n_left -= 1
        if self._n_left <= 0:
            self._stop.is_stopping.set()
        return super().poll(max_records, min(timeout_s, 0.001))
