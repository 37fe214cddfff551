"""Which time is now, whatever a few clocks say."""

import numpy as np
import pytest

from streamrec.domain.tick_clock import AHEAD, LATE, N_AHEAD, N_LATE, TAKEN, TickClock

HOUR_S = 3600.0
NEVER_ARRIVED_S = 0.0
"""The log's clock tells nothing: whatever is far ahead is ahead."""


def judge(clock: TickClock, *times: float, arrival: float = NEVER_ARRIVED_S) -> list[int]:
    return clock.judge(np.array(times), np.full(len(times), arrival)).tolist()  # type: ignore[no-any-return]


def test_the_first_tick_sets_the_clock() -> None:
    clock = TickClock(60)
    assert judge(clock, 5e8) == [TAKEN]
    assert clock.now == 5e8


def test_a_night_is_a_jump_that_is_taken_at_once() -> None:
    clock = TickClock(60)
    judge(clock, 1e9, arrival=1e9)
    assert judge(clock, 1e9 + 12 * HOUR_S, arrival=1e9 + 12 * HOUR_S) == [TAKEN]
    assert clock.now == 1e9 + 12 * HOUR_S


def test_a_simulation_may_run_ahead_of_our_time_step_by_step() -> None:
    clock = TickClock(60)
    assert judge(clock, *(1e9 + number * HOUR_S for number in range(50)), arrival=1e9) == [TAKEN] * 50


def test_a_clock_years_ahead_moves_nothing_however_long_it_sends_among_others() -> None:
    clock = TickClock(60)
    for number in range(1000):
        now = 1e9 + number
        assert judge(clock, now, 3e9, now, arrival=now) == [TAKEN, AHEAD, TAKEN]
        assert clock.now == now


def test_a_stream_that_is_ahead_altogether_is_followed() -> None:
    clock = TickClock(60)
    judge(clock, 1e9)
    assert judge(clock, *[2e9] * (N_AHEAD - 1)) == [AHEAD] * (N_AHEAD - 1)
    assert judge(clock, 2e9, 2e9 + 1) == [TAKEN, TAKEN]
    assert clock.now == 2e9 + 1


def test_a_replay_goes_on_after_an_event_of_today() -> None:
    clock = TickClock(60)
    judge(clock, 1e8, 1e9, arrival=1e9)
    assert judge(clock, *[1e8 + 1] * N_LATE, arrival=1e9) == [LATE] * (N_LATE - 1) + [TAKEN]
    assert clock.now == 1e8 + 1


def test_a_part_of_the_log_that_is_read_later_is_late_and_no_more() -> None:
    clock = TickClock(60)
    judge(clock, 1e9, arrival=1e9)
    assert set(judge(clock, *[1e9 - 10 * HOUR_S] * (3 * N_LATE), arrival=1e9 - 10 * HOUR_S)) == {LATE}
    assert clock.now == 1e9


@pytest.mark.parametrize("seed", range(5))
def test_portions_do_not_matter(seed: int) -> None:
    chance = np.random.default_rng(seed)
    n = 4000
    times = 1e9 + np.cumsum(chance.choice([0.0, 1.0, 90.0], n))
    times += chance.choice([0.0, 0.0, 0.0, -300.0, 9e8], n, p=[0.5, 0.2, 0.1, 0.15, 0.05])
    arrivals = times.copy()
    arrivals[times > 1.5e9] = 1e9
    whole, parts = TickClock(3), TickClock(3)
    verdicts = whole.judge(times, arrivals)
    places = [0, *sorted(chance.integers(1, n, 300).tolist()), n]
    judged = [
        parts.judge(times[first:last], arrivals[first:last])
        for first, last in zip(places, places[1:], strict=False)
        if last > first
    ]
    assert np.concatenate(judged).tolist() == verdicts.tolist()
    assert parts.state().tolist() == whole.state().tolist()
    assert set(verdicts.tolist()) == {TAKEN, LATE, AHEAD}


def test_the_state_goes_on_where_it_was() -> None:
    clock = TickClock(60)
    judge(clock, 1e9, *[3e9] * 7)
    other = TickClock(60)
    other.set_state(clock.state())
    assert judge(other, *[3e9] * (N_AHEAD - 8)) == [AHEAD] * (N_AHEAD - 8)
    assert judge(other, 3e9) == [TAKEN]
