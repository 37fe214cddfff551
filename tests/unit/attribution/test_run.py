"""The attribution over logs and a store in memory: what it writes, also after a crash."""

import asyncio
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink
from streamrec.attribution.context import CHECKPOINT_FILE
from streamrec.attribution.run import run_attribution
from streamrec.attribution.two_logs import TwoLogs
from streamrec.cli.training.forward_clock import ForwardClock
from streamrec.domain.experiments.definition import Guardrail
from streamrec.domain.experiments.exposure import Exposure
from streamrec.errors import CorruptArtifact, Unavailable
from streamrec.markers import ErasureMarker, encode_marker
from streamrec.ports import IMPRESSIONS, INTERACTIONS, Lease, Message, Record
from streamrec.telemetry import NullMetrics
from tests.attribution_world import AttributionWorld, experiment, shown


@pytest.fixture
def world(tmp_path: Path) -> AttributionWorld:
    world = AttributionWorld(tmp_path)
    world.define(experiment())
    return world


class CountingMetrics(NullMetrics):
    """Adds up what is counted."""

    def __init__(self) -> None:
        self.counted: dict[str, int] = {}

    def count(self, name: str, n: int = 1) -> None:
        self.counted[name] = self.counted.get(name, 0) + n


def test_a_click_is_attributed_and_the_results_are_written(world: AttributionWorld) -> None:
    world.show(shown("u", world.now, "i", "j"), shown("v", world.now, "i", experiments=[("x", 1, "b")]))
    world.click("u", "j")
    world.run_until_settled()
    results = world.results()
    assert results is not None
    assert (results.era, results.users, results.exposures) == (1, 2, 2)
    assert (results.funnel["a"].impressions, results.funnel["a"].clicks, results.funnel["b"].clicks) == (
        2,
        1,
        0,
    )
    assert results.verdict.decision == "keep running"
    assert world.log.committed["attribution", IMPRESSIONS] == 2
    assert world.log.committed["attribution", INTERACTIONS] == 1


def test_outcomes_become_observations_when_their_time_is_over(world: AttributionWorld) -> None:
    for number in range(20):
        world.show(shown(f"u{number}", world.now, "i", experiments=[("x", 1, "ab"[number % 2])]))
    world.click("u1", "i")
    world.run_until_settled(later_s=2000.0)
    results = world.results()
    assert results is not None
    assert {one.name: one.metrics["ctr"].n for one in results.variants} == {"a": 10, "b": 10}
    assert results.variants[1].metrics["ctr"].mean == 0.1
    assert results.at > world.now - 30


def test_what_is_none_is_counted_and_stops_nothing(world: AttributionWorld) -> None:
    world.metrics = metrics = CountingMetrics()
    now = world.now
    nameless = b'{"request_id":"r","user_id":"","at":1,"items":["i"]}'
    world.show(b"no json", nameless, b'{"request_id":"r","user_id":"u","at":1e300,"items":[]}', b"")
    world.show(shown("u", now, "i", experiments=[("gone", 1, "a")]), shown("u", now, "i", experiments=[]))
    world.send(b"no json", b"", {"item_id": "i"})
    world.click("u", "i")
    world.click("nobody", "i", request_id="r")
    world.click("u", "i", type="impression")
    world.show(shown("v", now, "i"))
    world.run_until_settled()
    ignored = {
        name.removeprefix("attribution.ignored."): n
        for name, n in metrics.counted.items()
        if "ignored" in name
    }
    assert ignored == {
        "malformed": 7, "unknown_experiment": 1, "without_experiment": 1, "without_exposure": 1,
        "unknown_request": 1,
    }  # fmt: skip
    results = world.results()
    assert results is not None
    assert results.exposures == 1


def test_repeats_have_no_effect(world: AttributionWorld) -> None:
    once = shown("u", world.now, "i")
    world.show(once, once)
    world.click("u", "i", event_id="e")
    world.run()
    world.show(once)
    world.click("u", "i", event_id="e")
    world.run_until_settled()
    results = world.results()
    assert results is not None
    assert (results.exposures, world.clicks()) == (1, 1)


class _Crash(Exception):
    """The end of the process, without its leave."""


class CrashingMetrics(NullMetrics):
    """Ends the process at the n-th figure: between any two steps."""

    def __init__(self, n_figures: int) -> None:
        self._n_left = n_figures

    def count(self, name: str, n: int = 1) -> None:
        self._fall()

    def timing(self, name: str, duration_ms: float) -> None:
        self._fall()

    def _fall(self) -> None:
        self._n_left -= 1
        if not self._n_left:
            raise _Crash


def fill(world: AttributionWorld, first: int, end: int) -> None:
    """Append lists and events of some seconds; the same in each world."""
    for number in range(first, end):
        chance = np.random.default_rng(number)
        world.now = 1_700_000_000.0 + 5 * number
        user = f"ü/{chance.integers(9)}"
        variant = "ab"[int(user[-1]) % 2]
        items = [f"i{item}" for item in chance.integers(0, 6, 3)]
        world.show(shown(user, world.now, *dict.fromkeys(items), experiments=[("x", 1, variant)]))
        for _ in range(2):
            user, item = f"ü/{chance.integers(9)}", f"i{chance.integers(6)}"
            kind = str(chance.choice(["click", "view", "purchase"]))
            world.click(user, item, type=kind, value=float(chance.integers(9)), event_id=f"e{number % 97}")


@pytest.mark.parametrize("n_figures", [1, 3, 8, 21, 55, 144])
def test_a_crash_at_any_step_loses_nothing_and_counts_nothing_twice(tmp_path: Path, n_figures: int) -> None:
    steady, crashing = AttributionWorld(tmp_path / "steady"), AttributionWorld(tmp_path / "crashing")
    for world in (steady, crashing):
        world.define(experiment())
    fill(steady, 0, 150)
    fill(crashing, 0, 100)
    crashing.metrics = CrashingMetrics(n_figures)
    with pytest.raises(_Crash):
        crashing.run(n_polls=1000, max_batch=16, checkpoint_interval_s=0.02, results_interval_s=0.01)
    crashing.metrics = NullMetrics()
    fill(crashing, 100, 150)
    for world in (steady, crashing):
        world.run_until_settled(later_s=3000.0, max_batch=50)
        world.send(b"so that there is another checkpoint")
        world.run(n_polls=300)
    assert crashing.outcomes() == steady.outcomes()
    assert steady.outcomes().variants["a"].metrics["clicks"].n > 3
    assert steady.clicks() > 5


def test_a_store_that_is_away_gets_what_it_missed(world: AttributionWorld) -> None:
    world.show(shown("u", world.now, "i"))
    process = world.process(n_polls=600, results_interval_s=0.01)
    n_failed = [0]

    class Failing:
        """A store that takes no results for a while."""

        def __getattr__(self, name: str) -> Any:
            return getattr(world.store, name)

        def write_results(self, *given: Any) -> bool:
            n_failed[0] += 1
            if n_failed[0] < 4:
                raise Unavailable("away")
            return world.store.write_results(*given)

    world.now += 50
    run_attribution(type(process)(**{**vars(process), "store": Failing()}))
    assert n_failed[0] >= 4
    assert world.results() is not None


def test_a_store_that_is_away_at_a_renewal_of_the_lease_ends_nothing(world: AttributionWorld) -> None:
    world.show(shown("u", world.now, "i"))
    process = world.process(n_polls=600, results_interval_s=0.01, lease_duration_s=0.003)
    n_renewals = [0]

    class Failing:
        """A store that answers each second renewal only, for a while."""

        def __getattr__(self, name: str) -> Any:
            return getattr(world.store, name)

        def acquire(self, *given: Any) -> Lease | None:
            n_renewals[0] += 1
            if n_renewals[0] % 2 == 0 and n_renewals[0] < 10:
                raise Unavailable("away")
            return world.store.acquire(*given)

    world.now += 50
    run_attribution(type(process)(**{**vars(process), "store": Failing()}))
    assert n_renewals[0] >= 10
    assert world.results() is not None


def test_results_that_fail_leave_those_of_other_experiments(world: AttributionWorld) -> None:
    world.define(experiment("broken"), experiment("x"))
    process = world.process(n_polls=400, results_interval_s=0.01)

    def results_of(of: Any, *given: Any) -> Any:
        if of.id == "broken":
            raise ValueError("math domain error")
        return process.results_of(of, *given)

    for number in range(4):
        lists = [(id_, 1, "ab"[number % 2]) for id_ in ("broken", "x")]
        world.show(shown(f"u{number}", world.now, "i", experiments=lists))
    world.now += 50
    run_attribution(type(process)(**{**vars(process), "results_of": results_of}))
    assert world.results("broken") is None
    assert world.results("x") is not None


def test_a_broken_guardrail_stops_the_experiment(world: AttributionWorld) -> None:
    world.define(experiment(guardrails=(Guardrail("clicks", 0.1),)))
    world.fill(400)
    world.run_until_settled(later_s=2000.0)
    (stopped,) = world.store.read_experiments().experiments
    assert (stopped.state, stopped.stopped_by, stopped.version, stopped.era) == ("stopped", "guardrail", 2, 1)
    assert stopped.reason == "b breaks the guardrail on clicks"
    assert stopped.verdict is not None
    assert stopped.verdict.decision == "roll back"
    world.run()
    results = world.results()
    assert results is not None
    assert results.guardrails[0].state == "broken"


def test_a_guardrail_stops_nothing_that_was_changed_meanwhile(world: AttributionWorld) -> None:
    world.define(experiment(guardrails=(Guardrail("clicks", 0.0),)))
    world.fill(400)
    process = world.process(n_polls=400, definitions_interval_s=1e9)
    world.run()
    world.now += 2000.0

    def results_of(*given: Any) -> Any:
        world.define(experiment(version=2, era=2))  # somebody edits, and this process has not read it
        return process.results_of(*given)

    run_attribution(type(process)(**{**vars(process), "results_of": results_of}))
    (kept,) = world.store.read_experiments().experiments
    assert (kept.state, kept.version) == ("running", 2)


def test_an_edit_begins_an_era_and_a_deletion_drops_the_counts(world: AttributionWorld) -> None:
    world.show(shown("u", world.now, "i"))
    world.run_until_settled()
    world.define(experiment(version=2, era=2, window_s=50.0))
    world.show(shown("u", world.now, "i"), shown("v", world.now, "i", experiments=[("x", 2, "b")]))
    world.run_until_settled()
    results = world.results()
    assert results is not None
    assert (results.era, results.exposures, results.funnel["b"].impressions) == (2, 1, 1)
    asyncio.run(world.store.delete_experiment("x"))
    world.show(shown("w", world.now, "i"))
    world.run_until_settled()
    assert world.results() is None


def test_a_definition_that_is_broken_keeps_its_counts(world: AttributionWorld) -> None:
    world.show(shown("u", world.now, "i"))
    world.run_until_settled()
    intact = world.store.documents["x"]
    world.store.documents["x"] = 1, b"no definition"
    world.run_until_settled()
    world.store.documents["x"] = intact
    world.run_until_settled()
    results = world.results()
    assert results is not None
    assert results.exposures == 1


def test_a_log_that_was_replaced_costs_no_counts(world: AttributionWorld) -> None:
    world.show(shown("u", world.now, "i"), shown("v", world.now, "i"))
    world.click("u", "i")
    world.run_until_settled()
    world.log = MemoryEventLog(world.clock)
    world.sink = MemoryEventSink(world.log)
    world.show(shown("w", world.now, "i"))
    world.run_until_settled()
    results = world.results()
    assert results is not None
    assert (results.exposures, world.clicks()) == (3, 1)
    assert world.log.committed["attribution", IMPRESSIONS] == 1


def test_a_log_that_lost_its_tail_is_not_read_twice(world: AttributionWorld) -> None:
    world.show(*(shown(f"u{number}", world.now, "i") for number in range(4)))
    world.run_until_settled()
    world.log._n_appended[IMPRESSIONS] = 3
    del world.log.records[IMPRESSIONS][3:]
    world.show(shown("new", world.now, "i"))
    del world.log.records[IMPRESSIONS][3:]
    world.log._n_appended[IMPRESSIONS] = 3
    world.run_until_settled()
    world.show(shown("newer", world.now, "i"))
    world.run_until_settled()
    results = world.results()
    assert results is not None
    assert results.exposures == 5


def test_a_clock_that_is_set_back_between_two_runs_loses_no_list_and_no_click(
    world: AttributionWorld,
) -> None:
    world.define(experiment(id_="y", created_at=world.now))
    world.show(shown("u", world.now, "i", experiments=[("y", 1, "a")]))
    world.run_until_settled(later_s=10.0, settle_s=0.5)
    world.behind_s = 3600.0
    world.show(shown("v", world.now, "i", experiments=[("y", 1, "a")]))
    world.click("u", "i")
    world.click("v", "i")
    world.run(n_polls=1000, settle_s=0.5)
    results = world.results("y")
    assert results is not None
    assert (results.exposures, results.funnel["a"].clicks) == (2, 2)


def test_a_clock_that_is_ahead_takes_no_later_list_for_one_from_before_an_erasure(
    world: AttributionWorld,
) -> None:
    world.behind_s = -30.0
    marker = encode_marker(ErasureMarker("user_erased", world.now, "recommender"))
    world.sink.append(INTERACTIONS, [Message("u", marker)])  # and the store knows a moment later
    process, polls = world.process(n_polls=1000, settle_s=0.5), count()

    def open_logs(group: str) -> TwoLogs:
        logs = process.open_logs(group)
        poll = logs.poll

        def polled(max_records: int, timeout_s: float) -> list[Record]:
            if next(polls) == 20:
                world.now += 1.0
                world.show(shown("u", world.now, "i"))
                world.click("u", "i")
            return poll(max_records, timeout_s)

        logs.poll = polled  # type: ignore[method-assign]
        return logs

    run_attribution(type(process)(**{**vars(process), "open_logs": open_logs}))
    results = world.results()
    assert results is not None
    assert (results.exposures, results.funnel["a"].clicks) == (1, 1)


def test_another_holder_of_the_lease_is_waited_for(world: AttributionWorld) -> None:
    held = world.store.acquire("attribution", "another", 0.5, world.now)
    assert held is not None
    world.show(shown("u", world.now, "i"))
    process = world.process(n_polls=300, lease_duration_s=0.01)
    states = []

    def clock() -> float:
        states.append(process.status.state)
        world.now += 0.1
        return world.now

    run_attribution(type(process)(**{**vars(process), "clock": ForwardClock(clock, clock)}))
    assert world.results() is not None
    assert {"starting", "standing by", "following"} == set(states)


@pytest.mark.parametrize("damage", [b"", b"no archive", b"\0\0\0\0"])
def test_a_damaged_checkpoint_is_for_a_person(world: AttributionWorld, tmp_path: Path, damage: bytes) -> None:
    world.show(shown("u", world.now, "i"))
    world.run()
    path = tmp_path / CHECKPOINT_FILE
    path.write_bytes(damage + path.read_bytes()[7:])
    with pytest.raises(CorruptArtifact, match="delete it"):
        world.run()


def test_a_list_may_be_as_large_as_an_answer(world: AttributionWorld) -> None:
    items = [f"{number:04}" + "ü" * 126 for number in range(1000)]
    world.show(Exposure("r", "u" * 256, world.now, items, experiments=[("x", 1, "a")]))
    world.click("u" * 256, items[-1], request_id="r")
    world.run_until_settled()
    assert world.clicks() == 1
    assert msgspec.json.encode(world.results())
