"""Experiments that users take part in over HTTP, with an attribution that runs beside the recommender."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from streamrec.adapters.memory.events import MemoryEventSource
from streamrec.attribution.context import AttributionProcess
from streamrec.attribution.inputs import KindRules
from streamrec.attribution.run import run_attribution
from streamrec.attribution.two_logs import TwoLogs
from streamrec.cli.training.forward_clock import ForwardClock
from streamrec.client import Client
from streamrec.experiments.results import results_of
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS
from streamrec.process.scoped_metrics import ScopedMetrics
from streamrec.process.stop import StopRequest
from streamrec.settings.attribution import AttributionSettings
from streamrec.telemetry import NullMetrics
from tests.builders import WEIGHTS, World

N_USERS = 120
N_WAVES = 2

RANKED: dict[str, Any] = {
    "control": "as-is",
    "primary": "clicks",
    "state": "running",
    "outcome_s": 0.5,
    "planned_users": 240,
    "guardrails": [{"metric": "ctr", "max_drop": 0.1}],
    "variants": [{"name": "as-is"}, {"name": "equal", "changes": {"ranking": "equal"}}],
}
"""An experiment whose second variant does better, for its users click more often."""


def _changing(layer: str, **changes: Any) -> dict[str, Any]:
    variants = [{"name": "as-is"}, {"name": "other", "changes": changes}]
    return RANKED | {"layer": layer, "variants": variants, "guardrails": []}


MIXED = _changing("mixed", diversity=0.5) | {"design": "interleaved"}
QUIET = _changing("quiet", exploration=0.1) | {"audience": {"country": ["nowhere"]}}
ALONE = _changing("alone", sources=["popular_all"]) | {"audience": {"country": ["alone"]}}

_WITHIN_S = 240.0

_SETTLE_S = 0.5


@contextmanager
def attributing(world: World, folder: Path) -> Iterator[None]:
    """Attribute what is shown and chosen, in a thread, until the block ends."""
    stop, clock = StopRequest(), ForwardClock(time.time, time.monotonic)

    def open_logs(group: str) -> TwoLogs:
        events = MemoryEventSource(world.log, [COMMANDS, INTERACTIONS], group)
        lists = MemoryEventSource(world.log, [IMPRESSIONS], group)
        return TwoLogs(events, lists, clock, time.monotonic, _SETTLE_S)

    process = AttributionProcess(
        open_logs=open_logs,
        store=world.store,
        results_of=results_of,
        metrics=ScopedMetrics(NullMetrics(), "attribution"),
        artifacts_dir=folder,
        rules=KindRules(WEIGHTS, frozenset(), frozenset({"purchase"})),
        settings=AttributionSettings(settle_s=_SETTLE_S, results_interval_s=0.2, results_share=1.0),
        stop=stop,
        clock=clock,
        owner="one",
    )
    thread = threading.Thread(target=run_attribution, args=(process,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.is_stopping.set()
        thread.join(_WITHIN_S)
        assert not thread.is_alive()


def take_part(url: str, id_: str, first: int, end: int) -> None:
    """Let users ask for lists, and choose: those of the variant `equal` more, and some buy."""
    with Client(url, timeout_s=_WITHIN_S) as client, ThreadPoolExecutor(4) as threads:

        def visit(number: int) -> None:
            chance = np.random.default_rng(number)
            told = client.recommendations(user_id=f"visitor{number}", k=5)
            mean = 1.6 if (told.experiments or {}).get(id_) == "equal" else 0.6
            events = [
                {
                    "user_id": f"visitor{number}",
                    "item_id": item.item_id,
                    "type": "purchase" if chance.random() < 0.2 else "click",
                    "value": 3.0,
                    "request_id": told.request_id,
                }
                for item in told.items[: min(5, chance.poisson(mean))]
            ]
            if events:
                client.post_events(events)

        list(threads.map(visit, range(first, end)))


def wait_for_users(client: Client, id_: str, n_users: int) -> None:
    """Wait until the results hold so many complete outcomes."""
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        found = client.get_experiment(id_).results
        if found and sum(one["metrics"]["clicks"]["n"] for one in found["variants"]) >= n_users:
            return
        time.sleep(0.1)
    raise AssertionError(f"not {n_users} outcomes within {_WITHIN_S} s: {found}")
