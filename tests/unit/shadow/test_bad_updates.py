"""Streams that are poisoned: the alarm comes within 5,000 events, and lists stay as good as popularity's."""

import csv
import gzip
import os
import pickle
from pathlib import Path

import pytest

from streamrec.datasets.named import open_ml_100k
from streamrec.domain.events.interaction import Interaction
from tests.evaluated_stream import (
    EvaluatedStream,
    equal_events,
    made_up,
    with_a_robot,
    with_half_the_items_shuffled,
    with_items_shuffled,
)

DATA = Path("var/data")
WITHIN = 5000
N_CLEAN = 8000
N_POISON = 12_000
"""Events of real streams that get one another's items: among fewer, what is popular then would stay so."""
LONG_S = 3600
"""The longest of these work for minutes; on a busy machine they wait for an hour."""
CHANCE = 0.02
"""Two standard errors of the difference of two recalls of .05 in a thousand events."""


def learned(events: list[Interaction], **settings: bool) -> EvaluatedStream:
    """Return a trainer that has learned a clean stream, and predicted enough of it to know itself."""
    stream = EvaluatedStream(**settings)
    stream.learn(events[: N_CLEAN - 3000])
    stream.predict_and_learn(events[N_CLEAN - 3000 : N_CLEAN], stride=2)
    assert stream.alarms == {}
    return stream


def found_within(stream: EvaluatedStream, poison: list[Interaction]) -> int | None:
    """Predict and learn events until the model is below its usual; return how many of them it took."""
    for first in range(0, len(poison), 16):
        stream.predict_and_learn(poison[first : first + 16])
        if "model_below_usual" in stream.alarms:
            return first + 16
    return None


def test_shuffled_items_set_off_the_alarm_and_the_model_goes_back() -> None:
    events = made_up(16_000)
    stream = learned(events, revert_worse_models=True)
    n_before = stream.n_events
    poison = with_items_shuffled(events[N_CLEAN : N_CLEAN + WITHIN])
    first = 0
    while "worse_model_reverts" not in stream.alarms and first < len(poison):
        stream.predict_and_learn(poison[first : first + 16])
        first += 16
    assert stream.alarms["worse_model_reverts"] - n_before <= WITHIN
    assert stream.recall("served") >= stream.recall("popularity") - CHANCE
    assert stream.state.dirty_items.take(10_000).tolist() == [*range(stream.state.item_ids.n_rows)]


def test_items_that_are_half_shuffled_set_off_the_alarm() -> None:
    """What nobody can predict lowers the model and all that it is held against alike, but its own past."""
    events = made_up(16_000)
    stream = EvaluatedStream()
    stream.learn(events[:3000])
    stream.predict_and_learn(events[3000:7000])
    assert stream.alarms == {}
    assert found_within(stream, with_half_the_items_shuffled(events[7000 : 7000 + WITHIN]))


def test_nothing_is_kept_of_who_is_forgotten() -> None:
    events = made_up(3000)
    leaver = events[-1].user_id
    events = [
        Interaction("leaver", event.item_id, event.timestamp) if event.user_id == leaver else event
        for event in events
    ]
    stream = EvaluatedStream()
    stream.learn(events[:2000])
    stream.predict_and_learn(events[2000:])
    updates = stream.evaluation.updates
    watches = [vars(updates)[name] for name in ("_model", "_busiest_user")]
    assert b"leaver" in pickle.dumps(watches)
    updates.forget_users(["leaver"])
    assert b"leaver" not in pickle.dumps(watches)


def test_a_robot_with_a_third_of_all_events_sets_off_the_alarm_and_harms_nobody() -> None:
    events = made_up(16_000)
    stream = learned(events)
    n_before = stream.n_events
    stream.predict_and_learn(with_a_robot(events[N_CLEAN:])[:WITHIN], stride=4)
    assert stream.alarms["one_user_sends_much"] - n_before <= WITHIN
    assert stream.recall("served") >= stream.recall("popularity")


def burst(n: int) -> None:
    events = made_up(16_000)
    stream = learned(events)
    n_before = stream.n_events
    stream.predict_and_learn(equal_events(n, events[N_CLEAN]), stride=16)
    assert stream.alarms["one_user_sends_much"] - n_before <= WITHIN
    stream.predict_and_learn(events[N_CLEAN : N_CLEAN + 3000], stride=2)
    assert stream.recall("served") >= stream.recall("popularity")
    assert [name for name in stream.alarms if name != "one_user_sends_much"] == []


def test_a_burst_of_equal_events_sets_off_the_alarm_and_harms_nobody() -> None:
    burst(20_000)


@pytest.mark.nightly
@pytest.mark.timeout(LONG_S)
def test_a_burst_of_a_million_equal_events_harms_nobody() -> None:
    burst(1_000_000)


@pytest.mark.parametrize("drift", [3.0, 30.0])
def test_no_alarm_where_tastes_drift_alone(drift: float) -> None:
    stream = EvaluatedStream()
    events = made_up(12_000, drift=drift, seed=5)
    stream.learn(events[:2000])
    stream.predict_and_learn(events[2000:], stride=4)
    assert stream.alarms == {}


@pytest.mark.nightly
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("drift", [0.0, 3.0, 30.0])
def test_no_alarm_over_long_clean_streams(drift: float, seed: int) -> None:
    stream = EvaluatedStream()
    stream.predict_and_learn(made_up(60_000, drift=drift, seed=seed))
    assert stream.alarms == {}


@pytest.mark.nightly
@pytest.mark.timeout(LONG_S)
def test_no_alarm_over_the_whole_of_movielens() -> None:
    stream = EvaluatedStream()
    events = list(open_ml_100k(DATA))
    stream.learn(events[: len(events) // 10])
    stream.predict_and_learn(events[len(events) // 10 :])
    assert stream.alarms == {}
    assert stream.recall("served") > stream.recall("popularity")


@pytest.mark.nightly
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("start", [30_000, 50_000])
def test_every_second_item_of_movielens_shuffled_sets_off_the_alarm(start: int) -> None:
    events = list(open_ml_100k(DATA))
    stream = knowing_itself(events[:start])
    poison = with_half_the_items_shuffled(events[start : start + N_POISON])
    assert found_within(stream, poison[:WITHIN])


@pytest.mark.nightly
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("start", [60_000, 75_000])
def test_a_file_of_events_shuffled_sets_off_the_alarm(start: int) -> None:
    events = events_of_a_file()
    stream = knowing_itself(events[:start])
    assert found_within(stream, with_items_shuffled(events[start : start + N_POISON])[:WITHIN])


def knowing_itself(events: list[Interaction]) -> EvaluatedStream:
    """Return a trainer that has learned a clean stream, and predicted the last 20,000 events of it."""
    stream = EvaluatedStream()
    stream.learn(events[:-20_000])
    stream.predict_and_learn(events[-20_000:])
    assert stream.alarms == {}
    return stream


def events_of_a_file() -> list[Interaction]:
    """Return those of `STREAMREC_TEST_EVENTS`: CSV, packed by gzip, of user, item, value and timestamp."""
    path = os.environ.get("STREAMREC_TEST_EVENTS")
    if path is None:
        pytest.skip("STREAMREC_TEST_EVENTS names no file")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    user, item = [*rows[0]][:2]
    events = [Interaction(row[user], row[item], float(row["timestamp"])) for row in rows]
    return sorted(events, key=lambda event: event.timestamp)


@pytest.mark.nightly
@pytest.mark.timeout(LONG_S)
def test_no_alarm_over_the_whole_of_a_file_of_events() -> None:
    events = events_of_a_file()
    stream = EvaluatedStream()
    stream.learn(events[: len(events) // 10])
    stream.predict_and_learn(events[len(events) // 10 :])
    assert stream.alarms == {}
