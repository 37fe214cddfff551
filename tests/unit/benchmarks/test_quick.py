"""What was recorded of the hot paths, and what a later run is told."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quick.__main__ import PARTS
from benchmarks.quick.ratios import PARTS as MEASURED
from benchmarks.quick.ratios import bare_lists
from benchmarks.quick.recorded import LEAST_TOLERANCE, Recorded, figure_of, risen

RUNS = st.lists(st.floats(0.1, 100), min_size=1, max_size=10)


@given(RUNS)
def test_no_recorded_run_would_have_failed(runs: list[float]) -> None:
    recorded = Recorded({"hop": figure_of(runs)})
    assert [run for run in runs if risen({"hop": run}, recorded)] == []


@given(RUNS)
def test_what_costs_half_as_much_again_as_any_run_and_what_they_differ_by_fails(runs: list[float]) -> None:
    figure = figure_of(runs)
    spread = max(runs) / figure.ratio + figure.ratio / min(runs)
    found = {"hop": figure.ratio * (1.5 * spread + 10 * LEAST_TOLERANCE)}
    assert len(risen(found, Recorded({"hop": figure}))) == 1


def test_only_what_rose_is_told_and_a_figure_that_is_new_asks_for_another_record() -> None:
    recorded = Recorded({name: figure_of([2.0, 2.02, 1.98] * 4) for name in ("hop", "list")})
    assert risen({"hop": 1.0, "list": 2.09}, recorded) == []
    (told,) = risen({"hop": 2.0, "list": 2.2}, recorded)
    assert told.startswith("list: 2.20, recorded 2.00")
    assert "record" in risen({"hop": 2.0, "list": 2.0, "new": 1.0}, recorded)[0]


def test_every_part_is_measured() -> None:
    assert set(PARTS) == set(MEASURED)


def test_the_bare_list_takes_processor_time() -> None:
    durations_ms = bare_lists(3)
    assert len(durations_ms) == 3
    assert min(durations_ms) > 0
