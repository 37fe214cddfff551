import numpy as np
import pytest

from streamrec.domain import same_day
from streamrec.domain.same_day import SameDayCounts

A, B, C, D = range(4)

REQUESTS = [(1, 1, A), (1, 1, B), (2, 2, A), (2, 2, C), (2, 2, D), (3, 1, B), (3, 1, C), (4, 3, A), (4, 3, B)]
"""Day, user, item."""


def counted(requests: list[tuple[int, int, int]], batch: int = 100) -> SameDayCounts:
    counts = SameDayCounts(n_kept=16)
    days, users, items = np.array(requests).T
    for first in range(0, len(requests), batch):
        at = slice(first, first + batch)
        counts.add(users[at], items[at], days[at] * 86_400.0 + first)
    return counts


def found(counts: SameDayCounts, item: int) -> list[tuple[int, float]]:
    nearest = counts.neighbours(np.array([item]), k=16)
    pairs = zip(nearest.rows[0].tolist(), nearest.supports[0].tolist(), strict=True)
    return [(other, count) for other, count in pairs if other >= 0]


@pytest.mark.parametrize("batch", [1, 2, 100])
@pytest.mark.parametrize("is_backwards", [False, True])
def test_items_are_counted_with_those_of_the_same_users_day(batch: int, is_backwards: bool) -> None:
    counts = counted(REQUESTS[::-1] if is_backwards else REQUESTS, batch)
    assert found(counts, A)[0] == (B, 2.0)
    assert sorted(found(counts, A)) == [(B, 2.0), (C, 1.0), (D, 1.0)]
    assert found(counts, B) == [(A, 2.0), (C, 1.0)]


def test_a_pair_counts_once_a_day_however_often_it_is_chosen() -> None:
    counts = counted([(1, 1, A), (1, 1, B), (1, 1, A), (1, 1, A), (1, 1, B)])
    assert found(counts, A) == [(B, 1.0)]


def test_a_day_ends_at_midnight_utc() -> None:
    counts = SameDayCounts(n_kept=16)
    counts.add(np.array([1, 1, 1]), np.array([A, B, C]), np.array([86_399.0, 86_400.0, 86_401.0]))
    assert found(counts, A) == []
    assert found(counts, B) == [(C, 1.0)]


def test_a_robots_day_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_day, "_MOST_ITEMS_A_DAY", 2)
    counts = counted([(1, 1, A), (1, 1, B), (1, 1, C), (1, 1, D)])
    assert [found(counts, item) for item in (A, B, C, D)] == [[(B, 1.0)], [(A, 1.0)], [], []]


def test_days_that_nobody_adds_to_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_day, "_MOST_USER_DAYS", 2)
    counts = counted([(1, 1, A), (1, 2, A), (1, 1, B), (1, 3, A), (1, 2, C), (1, 1, D)])
    assert sorted(found(counts, A)) == [(B, 1.0)]


def test_nothing_added_counts_nothing() -> None:
    counts = SameDayCounts(n_kept=16)
    counts.add(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    assert found(counts, A) == []
