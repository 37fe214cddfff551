"""Which time is now, whatever a few clocks say."""

import numpy as np
import pytest

from streamrec.domain.bars.tick_clock import AHEAD, LATE, N_AHEAD, N_LATE, TAKEN, TickClock

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
    arrivals[: n // 2] += 1e6  # a replay
    senders = chance.integers(0, 4, n).astype(float)
    senders[:200] = 1.0
    senders[n // 3 : n // 3 + 300] = 2.0
    whole, parts = TickClock(3), TickClock(3)
    verdicts = whole.judge(times, arrivals, senders)
    cuts = [0, *sorted(chance.integers(1, n, 300).tolist()), n]
    judged = [
        parts.judge(times[first:last], arrivals[first:last], senders[first:last])
        for first, last in zip(cuts, cuts[1:], strict=False)
        if last > first
    ]
    assert np.concatenate(judged).tolist() == verdicts.tolist()
    np.testing.assert_array_equal(parts.state(), whole.state())
    assert set(verdicts.tolist()) == {TAKEN, LATE, AHEAD}


@pytest.mark.parametrize("ahead_s", [120.0, 59 * 60.0])
@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize("portion", [1, 50])
def test_a_sender_less_than_an_hour_ahead_moves_nothing(portion: int, is_live: bool, ahead_s: float) -> None:
    clock = TickClock(60)
    times = 1e9 + np.repeat(np.arange(600.0), 3)
    senders = np.tile([7.0, 8.0, 9.0], 600)
    arrivals = times + (0.5 if is_live else 3e7)
    times[senders == 9.0] += ahead_s
    late = 0
    for first in range(0, len(times), portion):
        part = slice(first, first + portion)
        late += int((clock.judge(times[part], arrivals[part], senders[part]) == LATE).sum())
    assert late == 0
    assert clock.now == pytest.approx(1e9 + 599, abs=2)


def test_of_senders_that_are_all_ahead_two_agree_and_one_that_is_left_is_believed() -> None:
    clock = TickClock(60)
    senders = np.tile([7.0, 8.0], 50)
    clock.judge(1e9 + 60.0 * np.arange(100, dtype=np.float64), np.full(100, 1e8), senders)
    assert clock.now == 1e9 + 60.0 * 98
    alone = 1e9 + 6000.0 + np.arange(200, dtype=np.float64)
    clock.judge(alone, np.full(200, 1e8), np.full(200, 7.0))
    assert clock.now == alone[-1]


def test_a_state_of_the_first_version_goes_on() -> None:
    clock = TickClock(60)
    clock.set_state(np.array([1e9, 1e9, 3.0, 4.0]))
    assert judge(clock, 1e9 + 60) == [TAKEN]
    assert clock.now == 1e9 + 60


def test_the_state_goes_on_where_it_was() -> None:
    clock = TickClock(60)
    judge(clock, 1e9, *[3e9] * 7)
    other = TickClock(60)
    other.set_state(clock.state())
    assert judge(other, *[3e9] * (N_AHEAD - 8)) == [AHEAD] * (N_AHEAD - 8)
    assert judge(other, 3e9) == [TAKEN]
