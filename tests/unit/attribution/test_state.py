"""Attribution as a pure function of records: what counts, once, in whatever order two logs are read."""

import random
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.attribution.state.attribution_state import AttributionState
from streamrec.attribution.state.saved_state import Limits, SavedState
from streamrec.domain.experiments.attribution import Act, Kind
from streamrec.domain.experiments.definition import INTERLEAVED, Experiment, Variant
from streamrec.domain.experiments.exposure import Exposure
from streamrec.domain.experiments.outcomes import ExperimentOutcomes

LIMITS = Limits(settle_s=10.0)
T = 1_700_000_000.0
WINDOW_S, OUTCOME_S = 100.0, 1000.0


def experiment(id_: str = "x", **changes: Any) -> Experiment:
    defaults: dict[str, Any] = {
        "variants": (Variant("a"), Variant("b")),
        "state": "running",
        "window_s": WINDOW_S,
        "outcome_s": OUTCOME_S,
        "version": 1,
    }
    return Experiment(id_, **{"control": "a", "primary": "ctr", **defaults, **changes})


def state_of(*experiments: Experiment, limits: Limits = LIMITS) -> AttributionState:
    state = AttributionState(limits)
    state.define({one.id: one for one in experiments or (experiment(),)})
    return state


def show(state: AttributionState, at: float, *items: str, user: str = "u", **fields: Any) -> None:
    fields = {"request_id": f"r{at:g}", "experiments": [("x", 1, "a")], **fields}
    state.add_exposure(Exposure(user_id=user, at=T + at, items=list(items), **fields), T + at + 0.5)


def act(
    state: AttributionState,
    at: float,
    item: str,
    kind: Kind = "click",
    value: float = 0.0,
    request: str | None = None,
    user: str = "u",
) -> None:
    state.add_act(Act(user, T + at, item, kind, value, request))


def counts(state: AttributionState, variant: str = "a", id_: str = "x") -> tuple[int, int, int, int]:
    one = state.tallies[id_].state.outcomes.variants[variant]
    return one.n_users, one.n_exposures, one.n_clicks, one.n_purchases


def mean(state: AttributionState, metric: str, variant: str = "a") -> float:
    moments = state.tallies["x"].state.outcomes.variants[variant].metrics[metric]
    return moments.sum_x / moments.n


def test_an_event_belongs_to_the_newest_list_that_showed_its_item() -> None:
    state = state_of()
    show(state, 0, "i", "j")
    show(state, 10, "i", experiments=[("x", 1, "b")], user="other")
    show(state, 20, "i")
    show(state, 25, "k")
    act(state, 30, "i")
    act(state, 30, "nowhere")
    state.settle(T + 100)
    newest = [one for one in state.saved().lists if one.answers]
    assert [(one.request_id, one.answers) for one in newest] == [("r20", [("x", 0, "click")])]
    assert counts(state) == (1, 3, 1, 0)
    assert state.take_ignored() == {"without_exposure": 1}


def test_an_event_that_names_a_request_is_about_it_alone() -> None:
    state = state_of()
    show(state, 0, "i")
    show(state, 20, "i")
    act(state, 30, "i", request="r0")
    act(state, 31, "i", request="of another answer")
    act(state, 32, "j", request="r0")
    state.settle(T + 100)
    assert [one.request_id for one in state.saved().lists if one.answers] == ["r0"]
    assert state.take_ignored() == {"unknown_request": 2}


def test_a_list_is_found_by_its_request_where_its_clock_is_ahead() -> None:
    state = state_of()
    show(state, 3, "i", request_id="r")
    act(state, 1, "i", request="r")
    act(state, 1, "i")  # without the request it came before
    state.settle(T + 100)
    assert counts(state)[2] == 1


@pytest.mark.parametrize(("at", "n_clicks"), [(WINDOW_S, 1), (WINDOW_S + 1, 0)])
@pytest.mark.parametrize("request_id", [None, "r0"])
def test_the_window_bounds_attribution(at: float, n_clicks: int, request_id: str | None) -> None:
    state = state_of()
    show(state, 0, "i")
    act(state, at, "i", request=request_id)
    state.settle(T + 500)
    assert counts(state)[2] == n_clicks


def test_each_answer_counts_once_by_list_item_and_kind() -> None:
    state = state_of()
    show(state, 0, "i", "j")
    for at in (5, 6, 7):
        act(state, at, "i")
        act(state, at, "i", "purchase", 5.0)
    act(state, 8, "j")
    state.settle(T + OUTCOME_S + 20)
    assert counts(state) == (1, 1, 2, 1)
    assert (mean(state, "ctr"), mean(state, "clicks"), mean(state, "purchases")) == (1.0, 2.0, 1.0)
    assert (mean(state, "value"), mean(state, "purchase_rate")) == (5.0, 1.0)
    assert state.take_ignored() == {"answered_before": 4}


def test_a_list_that_is_repeated_counts_once_and_request_ids_may_be_used_twice() -> None:
    state = state_of()
    for _ in range(3):
        show(state, 0, "i", request_id="same")
    show(state, 5, "i", request_id="same")
    show(state, 0, "i", request_id="same", user="v")
    state.settle(T + 100)
    assert counts(state)[:2] == (2, 3)


def test_an_outcome_is_what_happened_in_its_time() -> None:
    state = state_of()
    act(state, -50, "before", "other")
    show(state, 0, "i")
    show(state, OUTCOME_S - 20, "i")
    act(state, OUTCOME_S - 10, "i")
    show(state, OUTCOME_S + 5, "i")
    act(state, OUTCOME_S + 6, "i")
    state.settle(T + OUTCOME_S + 9)
    assert "ctr" not in state.tallies["x"].state.outcomes.variants["a"].metrics
    state.settle(T + OUTCOME_S + 17)
    assert (mean(state, "ctr"), mean(state, "clicks"), mean(state, "depth")) == (0.5, 1.0, 1.0)
    assert counts(state)[:3] == (1, 3, 2)
    moments = state.tallies["x"].state.outcomes.variants["a"].metrics["clicks"]
    assert 0.9 < moments.sum_y < 1.0  # the event before, decayed
    show(state, 2 * OUTCOME_S, "i")
    state.settle(T + 5 * OUTCOME_S)
    assert state.tallies["x"].state.outcomes.variants["a"].metrics["clicks"].n == 1  # one observation a user


def test_depth_counts_events_of_sessions() -> None:
    state = state_of(experiment(outcome_s=10_000.0))
    show(state, 0, "i")
    for at in (1, 2, 3, 4, 5000, 5001):
        act(state, at, "elsewhere", "other")
    state.settle(T + 11_000)
    assert mean(state, "depth") == 3.0


def test_a_user_of_two_variants_is_counted_and_left_out() -> None:
    state = state_of()
    show(state, 0, "i")
    show(state, 1, "i", experiments=[("x", 1, "b")])
    show(state, 2, "i", experiments=[("x", 1, "b")])
    show(state, 0, "i", user="v", experiments=[("x", 1, "b")])
    state.settle(T + 2 * OUTCOME_S)
    outcomes = state.tallies["x"].state.outcomes
    assert outcomes.n_multiple_exposed == 1
    assert (counts(state)[0], counts(state, "b")[0]) == (0, 1)
    assert outcomes.variants["a"].metrics == {}
    assert outcomes.variants["b"].metrics["ctr"].n == 1


def test_layers_count_an_event_each() -> None:
    state = state_of(experiment("x"), experiment("y", layer="another", window_s=10.0))
    both = [("x", 1, "a"), ("y", 1, "b")]
    show(state, 0, "i", experiments=both)
    act(state, 5, "i")
    show(state, 30, "i", experiments=both)
    act(state, 50, "i")
    state.settle(T + 100)
    assert (counts(state)[2], counts(state, "b", "y")[2]) == (2, 1)


def test_credit_goes_to_the_team_of_the_clicked_item() -> None:
    state = state_of(experiment(design="interleaved"))
    for user, clicked in (("u", "jk"), ("v", "i"), ("w", "ik"), ("nobody", "")):
        fields: dict[str, Any] = {
            "user": user,
            "experiments": [("x", 1, INTERLEAVED)],
            "interleaved": "x",
            "teams": [0, 1, 1],
        }
        show(state, 0, "i", "j", "k", **fields)
        for item in clicked:
            act(state, 1, item, user=user)
    state.settle(T + 2 * OUTCOME_S)
    outcomes = state.tallies["x"].state.outcomes
    assert outcomes.preferences is not None
    assert outcomes.preferences.wins == {"a": 1, "b": 1}
    assert outcomes.preferences.ties == 1
    assert outcomes.variants[INTERLEAVED].metrics["clicks"].sum_x == 5


def test_lists_of_what_is_not_known_are_counted() -> None:
    state = state_of(experiment(version=5, era=3, created_at=T))
    for version, variant in ((2, "a"), (3, "a"), (4, "b"), (6, "a"), (3, "gone")):
        show(state, version, "i", user=f"u{version}{variant}", experiments=[("x", version, variant)])
    show(state, 5, "i", experiments=[("nowhere", 1, "a")])
    show(state, 6, "i", experiments=[])
    show(state, -500, "i", user="early", experiments=[("x", 4, "a")])  # of a deleted namesake
    state.settle(T + 100)
    assert (counts(state)[1], counts(state, "b")[1]) == (1, 1)
    assert state.take_ignored() == {
        "earlier_era": 2, "unknown_experiment": 2, "unknown_variant": 1, "without_experiment": 1,
    }  # fmt: skip


def test_a_new_era_begins_with_nothing_and_a_ramp_goes_on() -> None:
    state = state_of()
    show(state, 0, "i")
    state.settle(T + 20)
    state.take_changed()
    state.define({"x": experiment(version=2, ramp=50.0)})
    assert counts(state)[:2] == (1, 1)
    state.define({"x": experiment(version=3, era=3)})
    assert counts(state)[:2] == (0, 0)
    assert state.take_changed() == {"x"}
    state.define({"x": experiment(version=3, era=3, created_at=5.0)})
    state.define({})
    assert state.tallies == {}
    state.settle(T + 2 * OUTCOME_S)


def test_an_erased_user_is_forgotten() -> None:
    state = state_of()
    show(state, 0, "i")
    act(state, 1, "i")
    state.erase("u", T + 5)
    show(state, 20, "i")
    act(state, 21, "i")
    show(state, 0, "i", user="v")
    state.settle(T + 15)
    kept = msgspec.msgpack.encode(state.saved().tallies)
    assert b"\xa1v" in kept
    assert b"\xa1u" not in kept
    state.settle(T + 3 * OUTCOME_S)
    moments = state.tallies["x"].state.outcomes.variants["a"].metrics["clicks"]
    assert (moments.n, moments.sum_x) == (2, 1.0)  # v, and u's new life


def test_times_that_can_not_be_are_bounded_by_the_log() -> None:
    state = state_of()
    for number, at in enumerate((T + 1e9, T - 1e9)):
        exposure = Exposure(f"r{number}", "u", at, ["i"], experiments=[("x", 1, "a")])
        state.add_exposure(exposure, T + number)
    act(state, 3, "i")
    state.settle(T + 50)
    assert counts(state) == (1, 2, 1, 0)
    assert [one.at for one in state.saved().lists] == [T - 3.0, T]


def test_a_clock_that_went_ahead_is_left_again() -> None:
    state = state_of()
    state.settle(T + 1e8)
    for number in range(300):
        show(state, number, "i", user=f"u{number}")
        state.settle(T + number)
    state.settle(T + 320)
    assert counts(state)[0] == 300
    assert len(state.tallies["x"].state.open) > 190  # not over before they began


def test_values_that_would_swallow_all_others_are_left_out() -> None:
    state = state_of()
    show(state, 0, "i")
    act(state, 1, "i", "purchase", 1e300)
    state.settle(T + 2 * OUTCOME_S)
    assert (mean(state, "value"), mean(state, "purchases")) == (0.0, 1.0)
    assert state.take_ignored() == {"value_too_large": 1}


def test_memory_is_bounded_and_what_goes_is_counted() -> None:
    state = state_of(limits=Limits(10.0, waiting=50, lists=20, rates=10, users=30))
    for number in range(200):
        show(state, number / 10, "i", user=f"u{number}")
        act(state, number / 10 + 0.05, "i", user=f"u{number}")
    state.settle(T + 10)
    gauges = state.gauges()
    assert gauges["waiting"] == 50
    assert gauges["kept_lists"] <= 20
    assert gauges["open_users"] == 30
    assert gauges["n_evicted"] > 400
    assert len(state.saved().rates) == 10


def test_many_lists_of_one_user_are_bounded() -> None:
    state = state_of(experiment(window_s=1e5))
    for number in range(500):
        show(state, number, "i", request_id=f"r{number}")
    act(state, 500, "i", request="r499")
    act(state, 500, "i", request="r0")
    state.settle(T + 600)
    assert state.gauges()["kept_lists"] == 200
    assert counts(state) == (1, 500, 1, 0)


Records = list[tuple[str, float, int, int]]


def records_of(chance: random.Random) -> tuple[Records, Records]:
    """Return lists and events by append time: kind, time, user, item."""
    lists: Records = [
        ("list", chance.uniform(0, 3000), chance.randrange(8), chance.randrange(5)) for _ in range(60)
    ]
    acts: Records = [
        ("act", chance.uniform(0, 3000), chance.randrange(8), chance.randrange(5)) for _ in range(90)
    ]
    return sorted(lists, key=lambda one: one[1]), sorted(acts, key=lambda one: one[1])


def take_in(state: AttributionState, record: tuple[str, float, int, int]) -> None:
    kind, at, user, item = record
    if kind == "list":
        variant = "ab"[(user + (item == 4 and user == 7)) % 2]
        show(state, at, f"i{item}", f"i{item + 1}", user=f"ü/{user}", experiments=[("x", 1, variant)])
    else:
        act(state, at, f"i{item}", "purchase" if item == 0 else "click", 1.5, user=f"ü/{user}")


def finished(state: AttributionState) -> ExperimentOutcomes:
    state.settle(T + 10_000)
    return state.tallies["x"].state.outcomes


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_the_order_of_reading_and_restarts_change_nothing(seed: int) -> None:
    chance = random.Random(seed)
    lists, acts = records_of(chance)
    steady = state_of()
    for record in sorted(lists + acts, key=lambda one: one[1]):
        take_in(steady, record)
        steady.settle(T + record[1])
    state, saved_at, saved = state_of(), (0, 0), b""
    at = [0, 0]
    saved = msgspec.msgpack.encode(state.saved())
    while at[0] < len(lists) or at[1] < len(acts):
        which = chance.randrange(2)
        for _ in range(chance.randrange(30)):
            if at[which] < len((lists, acts)[which]):
                take_in(state, (lists, acts)[which][at[which]])
                at[which] += 1
        read = [log[n - 1][1] if n else 0.0 for log, n in zip((lists, acts), at, strict=True)]
        ends = [n == len(log) for log, n in zip((lists, acts), at, strict=True)]
        state.settle(
            T + min((one for one, is_end in zip(read, ends, strict=True) if not is_end), default=0.0)
        )
        if chance.random() < 0.2:
            saved, saved_at = msgspec.msgpack.encode(state.saved()), (at[0], at[1])
        elif chance.random() < 0.1:  # a crash
            state = AttributionState(LIMITS, msgspec.msgpack.decode(saved, type=SavedState))
            at = list(saved_at)
    assert finished(state) == finished(steady)
    assert sum(one.n_exposures for one in finished(steady).variants.values()) == len(lists)


def test_a_thousand_experiments_that_nobody_is_in_cost_next_to_nothing() -> None:
    def seconds(n_idle: int) -> float:
        state = state_of(experiment(), *(experiment(f"idle{n}", state="stopped") for n in range(n_idle)))
        for at in range(500):
            show(state, at, "i", user=f"u{at % 50}")
            act(state, at + 0.1, "i", user=f"u{at % 50}")
        before = time.process_time()
        assert state.settle(T + 2000) == 1000
        return time.process_time() - before

    assert min(seconds(1000) for _ in range(3)) < 8 * min(seconds(1) for _ in range(3))
