import math

import numpy as np
import pytest

from streamrec.domain.users.shares import UserShares

DAY = 86_400.0


def total(shares: UserShares, n: int, user: int = 0, *, per_batch: int = 100, step_s: float = 0.0) -> float:
    """Return what `n` events of one user count together."""
    times = step_s * np.arange(n, dtype=np.float64)
    counted = 0.0
    for first in range(0, n, per_batch):
        batch = times[first : first + per_batch]
        counted += shares.of(np.full(len(batch), user), batch).sum()
    return counted


def test_people_count_in_full() -> None:
    users = np.arange(1000) % 50
    assert UserShares(20.0, DAY).of(users, np.zeros(1000)).tolist() == [1.0] * 1000


@pytest.mark.parametrize(("n", "per_batch"), [(10_000, 1), (100_000, 1024)])
def test_a_burst_counts_little_more_than_the_cap(n: int, per_batch: int) -> None:
    counted = total(UserShares(50.0, DAY), n, per_batch=per_batch)
    assert 50 <= counted <= 50 * (1 + math.log(n / 50)) + 1


def test_who_never_stops_counts_the_cap_for_each_mean_life() -> None:
    days = 10
    counted = total(UserShares(50.0, DAY), days * 2000, step_s=DAY / 2000)
    start = 50 * (1 + math.log(2000 / 50))
    assert counted <= start + 50 * days * math.log(2) * 1.1


def test_who_comes_back_after_days_counts_in_full_again() -> None:
    shares = UserShares(10.0, DAY)
    total(shares, 100)
    assert shares.of(np.array([0]), np.array([20 * DAY])).tolist() == [1.0]


def test_others_are_not_touched_by_a_robot_and_neither_is_who_gets_its_row() -> None:
    shares = UserShares(10.0, DAY)
    total(shares, 10_000, user=3)
    assert shares.of(np.array([2, 4]), np.zeros(2)).tolist() == [1.0, 1.0]
    shares.forget_users(np.array([3, 1000]))
    assert shares.of(np.array([3]), np.zeros(1)).tolist() == [1.0]


def test_a_late_event_counts_as_old() -> None:
    shares = UserShares(1.0, DAY)
    shares.of(np.array([0]), np.array([10 * DAY]))
    assert shares.of(np.array([0]), np.array([0.0]))[0] == pytest.approx(1 / (1 + 2**-10))


def test_a_restored_one_goes_on_alike() -> None:
    shares, restored = UserShares(5.0, DAY), UserShares(5.0, DAY)
    total(shares, 100, step_s=60.0)
    restored.load_arrays({name: array.copy() for name, array in shares.arrays().items()})
    users, times = np.array([0, 0, 7]), np.array([7000.0, 7001.0, 7002.0])
    assert restored.of(users, times).tolist() == shares.of(users, times).tolist()
    assert shares.of(np.zeros(0, np.int64), np.zeros(0)).tolist() == []
