"""Stream time beside the true time, for streams as they come."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.domain.events.stream_clock import LONGEST_GAP_S, StreamClock

HOUR, DAY, YEAR = 3600.0, 86_400.0, 365 * 86_400.0
START = 1.7e9
IN_1998 = 8.9e8

Stream = tuple[np.ndarray, np.ndarray]
"""Timestamps and user rows, in the order in which they are read."""


def stream(n: int, duration_s: float, start: float = START, n_users: int = 2000, seed: int = 0) -> Stream:
    chance = np.random.default_rng(seed)
    return start + np.sort(chance.random(n)) * duration_s, chance.integers(0, n_users, n)


def in_bursts(given: Stream, n_partitions: int, burst: int) -> Stream:
    """Read a stream from partitions in turns, so many records at a time; a user's are in one partition."""
    timestamps, users = given
    of_partition = [np.flatnonzero(users % n_partitions == number) for number in range(n_partitions)]
    parts = [np.array_split(rows, range(burst, len(rows), burst)) for rows in of_partition]
    in_turns = [part for turn in itertools.zip_longest(*parts) for part in turn if part is not None]
    order = np.concatenate(in_turns)
    return timestamps[order], users[order]


def after(*streams: Stream) -> Stream:
    return np.concatenate([one[0] for one in streams]), np.concatenate([one[1] for one in streams])


def shuffled_into(one: Stream, other: Stream, seed: int = 3) -> Stream:
    """Mix two streams, each in its order."""
    is_other = np.zeros(len(one[0]) + len(other[0]), np.bool_)
    is_other[np.random.default_rng(seed).choice(len(is_other), len(other[0]), replace=False)] = True
    mixed = np.empty(len(is_other)), np.empty(len(is_other), np.int64)
    for column, of_one, of_other in zip(mixed, one, other, strict=True):
        column[~is_other], column[is_other] = of_one, of_other
    return mixed


def elapsed_s(given: Stream, clock: StreamClock | None = None, batch: int = 1024) -> float:
    clock = clock or StreamClock()
    before = clock.now
    for first in range(0, len(given[0]), batch):
        clock.times_of(given[0][first : first + batch], given[1][first : first + batch])
    return clock.now - before


@pytest.mark.parametrize("offsets", [(YEAR,), (-YEAR,), (YEAR, -YEAR)])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.3])
@pytest.mark.parametrize(("n_partitions", "burst"), [(1, 1), (4, 10), (4, 1000), (12, 500), (12, 5000)])
@pytest.mark.parametrize("jitter_s", [0.0, 1.0, 30.0, 600.0])
@pytest.mark.nightly
def test_an_hour_is_an_hour_in_every_case(
    jitter_s: float, n_partitions: int, burst: int, share: float, offsets: tuple[float, ...]
) -> None:
    check_an_hour(jitter_s, n_partitions, burst, share, offsets)


@pytest.mark.parametrize(
    ("jitter_s", "n_partitions", "burst", "share", "offsets"),
    [
        (1.0, 1, 1, 0.0, (YEAR,)),
        (30.0, 1, 1, 0.0, (YEAR,)),
        (600.0, 1, 1, 0.01, (YEAR,)),
        (0.0, 4, 1000, 0.0, (YEAR,)),
        (30.0, 4, 10, 0.1, (-YEAR,)),
        (1.0, 12, 5000, 0.01, (YEAR, -YEAR)),
        (600.0, 12, 500, 0.3, (YEAR, -YEAR)),
    ],
)
def test_an_hour_is_an_hour(
    jitter_s: float, n_partitions: int, burst: int, share: float, offsets: tuple[float, ...]
) -> None:
    check_an_hour(jitter_s, n_partitions, burst, share, offsets)


def check_an_hour(
    jitter_s: float, n_partitions: int, burst: int, share: float, offsets: tuple[float, ...]
) -> None:
    chance = np.random.default_rng(1)
    timestamps, users = stream(20_000, HOUR)
    timestamps = timestamps + chance.uniform(-jitter_s, jitter_s, len(timestamps))
    timestamps += np.where(chance.random(len(timestamps)) < share, chance.choice(offsets, len(timestamps)), 0)
    elapsed = elapsed_s(in_bursts((timestamps, users), n_partitions, burst))
    assert elapsed == pytest.approx(HOUR, abs=60 + 2 * jitter_s)


@pytest.mark.parametrize("gap_s", [2 * HOUR, 8 * HOUR, 3 * DAY, YEAR])
@pytest.mark.parametrize(("n_partitions", "burst"), [(1, 1), (4, 10), (4, 1000), (12, 500)])
def test_a_gap_counts_in_full(n_partitions: int, burst: int, gap_s: float) -> None:
    n = 8000
    evening, morning = stream(n, HOUR), stream(n, HOUR, START + HOUR + gap_s, seed=1)
    elapsed = elapsed_s(in_bursts(after(evening, morning), n_partitions, burst))
    assert elapsed == pytest.approx(2 * HOUR + gap_s, abs=0.2 * HOUR)


def test_ten_nights_of_a_small_shop() -> None:
    days = [stream(60, 12 * HOUR, START + day * DAY, n_users=40, seed=day) for day in range(10)]
    assert elapsed_s(after(*days)) == pytest.approx(9.5 * DAY, abs=0.5 * DAY)


@pytest.mark.parametrize("pause_s", [2 * HOUR, DAY, 5 * DAY])
@pytest.mark.parametrize("n_users", [1, 2, 5, 1000])
def test_a_stream_of_a_few_events_a_day(n_users: int, pause_s: float) -> None:
    timestamps = START + pause_s * np.arange(200)
    users = np.random.default_rng(5).integers(0, n_users, 200)
    assert elapsed_s((timestamps, users)) == pytest.approx(200 * pause_s, rel=0.15)


def test_from_a_replay_of_1998_to_today_is_another_stream() -> None:
    replay, live = stream(8000, HOUR, IN_1998), stream(8000, HOUR)
    assert elapsed_s(after(replay, live)) == pytest.approx(2 * HOUR + LONGEST_GAP_S, abs=0.1 * HOUR)


def test_a_replay_after_live_data_goes_on_from_now_and_so_does_what_comes_after() -> None:
    clock = StreamClock()
    live, replay = stream(8000, HOUR), stream(8000, 3 * HOUR, IN_1998, seed=1)
    live_again = stream(8000, HOUR, START + 2 * HOUR, seed=2)
    assert elapsed_s(live, clock) == pytest.approx(HOUR, abs=60)
    assert elapsed_s(replay, clock) == pytest.approx(3 * HOUR, abs=180)
    # The two hours since the last live event have passed in the replay.
    assert 0 <= elapsed_s(live_again, clock) <= HOUR


def test_live_events_within_a_replay_move_nothing() -> None:
    replay, live = stream(10_000, 5 * DAY, IN_1998), stream(100, HOUR, seed=1)
    assert elapsed_s(shuffled_into(replay, live)) == pytest.approx(5 * DAY, rel=0.01)


def test_a_bulk_of_live_events_within_a_replay_moves_nothing() -> None:
    first, rest = stream(8000, DAY, IN_1998), stream(8000, DAY, IN_1998 + DAY, seed=1)
    bulk = stream(500, 60.0, seed=2)
    assert elapsed_s(after(first, bulk, rest)) == pytest.approx(2 * DAY, rel=0.02)


@pytest.mark.parametrize("burst", [1, 40, 400])
def test_a_replay_and_a_live_stream_at_once_run_as_fast_as_the_faster_and_not_twice(burst: int) -> None:
    replay, live = stream(8000, 5 * DAY, IN_1998), stream(8000, HOUR, seed=1)
    parts = [np.array_split(np.arange(8000), 8000 // burst)] * 2
    mixed = after(
        *((one[0][part], one[1][part]) for pair in zip(*parts, strict=True)
          for one, part in zip((replay, live), pair, strict=True))
    )  # fmt: skip
    elapsed = elapsed_s(mixed)
    assert 0.9 * HOUR <= elapsed <= 1.05 * (5 * DAY + HOUR)
    assert elapsed <= 1.1 * HOUR or elapsed >= 4.5 * DAY  # one of the two is followed


def test_events_that_have_no_time_of_their_own_among_old_ones() -> None:
    old, arriving = stream(7000, 2 * DAY, IN_1998), stream(800, HOUR, seed=1)
    assert elapsed_s(shuffled_into(old, arriving)) == pytest.approx(2 * DAY, rel=0.01)


@pytest.mark.parametrize("kind", ["year ahead", "hour ahead", "runs away", "at random"])
@pytest.mark.parametrize("burst", [3, 300])
def test_a_robot_that_sends_a_third_of_all_events_moves_nothing(burst: int, kind: str) -> None:
    people, n = stream(8000, HOUR), 4000
    ahead = {
        "year ahead": np.full(n, YEAR),
        "hour ahead": np.full(n, 59 * 60.0),
        "runs away": np.arange(n) * 300.0,
        "at random": np.random.default_rng(4).uniform(-YEAR, YEAR, n),
    }[kind]
    robot = np.linspace(START, START + HOUR, n) + ahead, np.full(n, 10_000)
    parts = zip(
        np.array_split(np.arange(8000), n // burst), np.array_split(np.arange(n), n // burst), strict=True
    )
    mixed = after(
        *((one[0][part], one[1][part]) for pair in parts
          for one, part in zip((people, robot), pair, strict=True))
    )  # fmt: skip
    assert elapsed_s(mixed) == pytest.approx(HOUR, abs=120)


@pytest.mark.parametrize("wrong_s", [YEAR, -YEAR, 20 * YEAR, -20 * YEAR])
@pytest.mark.parametrize("n_wrong", [1, 2])
def test_the_first_events_may_have_a_wrong_clock(n_wrong: int, wrong_s: float) -> None:
    wrong = np.full(n_wrong, START + wrong_s), 5000 + np.arange(n_wrong)
    assert elapsed_s(after(wrong, stream(8000, HOUR))) == pytest.approx(HOUR, abs=60)


def test_equal_timestamps_are_one_moment_and_falling_ones_no_time() -> None:
    users = np.arange(5000) % 700
    assert elapsed_s((np.full(5000, START), users)) == 0
    assert elapsed_s((START - 600.0 * np.arange(5000), users)) == 0


def test_an_event_has_its_own_time_up_to_an_hour_ahead_and_a_week_behind() -> None:
    clock = StreamClock()
    elapsed_s(stream(5000, HOUR), clock)
    strange = np.array([0.0, 0.9 * HOUR, -6 * DAY, YEAR, -YEAR]) + START + HOUR
    times = clock.times_of(strange, np.full(5, 7)) - clock.now
    assert times == pytest.approx([0.0, 0.9 * HOUR, -6 * DAY, 0.0, 0.0], abs=60)


@settings(deadline=None)
@given(st.data())
def test_batches_and_restarts_change_nothing(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 400))
    seed = data.draw(st.integers(0, 2**32 - 1))
    chance = np.random.default_rng(seed)
    steps = chance.choice(
        [0.0, 1.0, 60.0, 7000.0, 9 * DAY, YEAR, -YEAR], n, p=[0.3, 0.3, 0.3, 0.05, 0.02, 0.02, 0.01]
    )
    timestamps = START + np.cumsum(steps) + chance.choice([0.0, YEAR], n, p=[0.95, 0.05])
    users = chance.integers(0, data.draw(st.sampled_from([1, 3, 50])), n)
    whole = StreamClock()
    times = whole.times_of(timestamps, users)
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=20)))
    parts, found = StreamClock(), []
    for first, last in itertools.pairwise([0, *cuts, n]):
        found.append(parts.times_of(timestamps[first:last], users[first:last]))
        parts = StreamClock.restored(json.loads(json.dumps(parts.state())))
    assert np.concatenate(found).tolist() == times.tolist()
    assert parts.state() == whole.state()


def test_the_state_is_bounded() -> None:
    clock = StreamClock()
    for number in range(30):
        elapsed_s(stream(3000, HOUR, START + (number * 7919 % 30) * YEAR, 10**6, seed=number), clock)
    assert len(json.dumps(clock.state())) < 5000


def test_a_clock_of_the_first_version_goes_on() -> None:
    clock = StreamClock.restored([1234.5, START])
    assert clock.now == 1234.5
    assert elapsed_s(stream(8000, HOUR, START + 60), clock) == pytest.approx(HOUR + 60, abs=60)
    wrong_last = StreamClock.restored([1234.5, START + YEAR])
    assert elapsed_s(stream(8000, HOUR), wrong_last) == pytest.approx(HOUR, abs=60)
    assert elapsed_s(stream(8000, HOUR), StreamClock.restored([0.0, None])) == pytest.approx(HOUR, abs=60)


def test_the_newest_timestamp_is_of_those_that_users_agree_on() -> None:
    clock = StreamClock()
    assert clock.newest == 0.0
    clock.times_of(np.array([100.0, 110.0, 1e9, 120.0, 125.0]), np.arange(5))
    assert clock.newest == 125.0
    clock.times_of(np.array([122.0]), np.array([0]))
    assert clock.newest == 125.0
