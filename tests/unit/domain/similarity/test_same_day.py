import numpy as np
import pytest

from streamrec.domain.similarity import same_day
from streamrec.domain.similarity.same_day import SameDayCounts

A, B, C, D = range(4)

REQUESTS = [(1, 1, A), (1, 1, B), (2, 2, A), (2, 2, C), (2, 2, D), (3, 1, B), (3, 1, C), (4, 3, A), (4, 3, B)]
"""Day, user, item."""


def counted(requests: list[tuple[int, int, int]], batch: int = 100, n_items_a_day: int = 50) -> SameDayCounts:
    counts = SameDayCounts(n_items_a_day)
    days, users, items = np.array(requests).T
    for first in range(0, len(requests), batch):
        at = slice(first, first + batch)
        counts.add(users[at], items[at], days[at] * 86_400.0 + first)
    return counts


def found(counts: SameDayCounts, item: int) -> list[tuple[int, int]]:
    nearest = counts.neighbours(np.array([item]), k=16)
    pairs = zip(nearest.rows[0].tolist(), nearest.counts[0].tolist(), strict=True)
    return [(other, count) for other, count in pairs if other >= 0]


@pytest.mark.parametrize("batch", [1, 2, 100])
@pytest.mark.parametrize("is_backwards", [False, True])
def test_items_are_counted_with_those_of_the_same_users_day(batch: int, is_backwards: bool) -> None:
    counts = counted(REQUESTS[::-1] if is_backwards else REQUESTS, batch)
    assert found(counts, A)[0] == (B, 2)
    assert sorted(found(counts, A)) == [(B, 2), (C, 1), (D, 1)]
    assert found(counts, B) == [(A, 2), (C, 1)]


def test_a_pair_counts_once_a_day_however_often_it_is_chosen() -> None:
    counts = counted([(1, 1, A), (1, 1, B), (1, 1, A), (1, 1, A), (1, 1, B)])
    assert found(counts, A) == [(B, 1)]


def test_a_day_ends_at_midnight_utc() -> None:
    counts = SameDayCounts()
    counts.add(np.array([1, 1, 1]), np.array([A, B, C]), np.array([86_399.0, 86_400.0, 86_401.0]))
    assert found(counts, A) == []
    assert found(counts, B) == [(C, 1)]


def test_a_robots_day_is_bounded() -> None:
    counts = counted([(1, 1, A), (1, 1, B), (1, 1, C), (1, 1, D)], n_items_a_day=2)
    assert [found(counts, item) for item in (A, B, C, D)] == [[(B, 1)], [(A, 1)], [], []]


def test_days_that_nobody_adds_to_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_day, "_MOST_USER_DAYS", 2)
    counts = counted([(1, 1, A), (1, 2, A), (1, 1, B), (1, 3, A), (1, 2, C), (1, 1, D)])
    assert sorted(found(counts, A)) == [(B, 1)]


def test_the_rows_that_changed_are_told_each_once() -> None:
    counts = counted([(1, 1, A), (1, 1, B)])
    users, items = np.array([1, 2, 1]), np.array([D, C, B])
    assert counts.add(users, items, np.full(3, 86_400.0)).tolist() == [A, B, D]


def test_where_no_item_of_a_day_counts_nothing_is_counted() -> None:
    counts = counted(REQUESTS, n_items_a_day=0)
    assert found(counts, A) == []
    assert counts.arrays()["chosen"].tolist() == []


def go_through(counts: SameDayCounts, gone: int) -> None:
    """Look for a forgotten item in all that is kept, as the loop does before its row gets a new owner."""
    for rows in counts.swept:
        rows.begin()
        while not rows.is_through:
            rows.go_on()
        rows.settle(np.array([gone]))


def test_a_forgotten_item_is_gone_from_counts_and_days_before_its_row_has_a_new_owner() -> None:
    counts = counted([(1, 1, A), (1, 1, B), (1, 1, C)])
    assert counts.forget_items(np.array([B])).tolist() == [B]
    assert [found(counts, item) for item in (A, B, C)] == [[(C, 1)], [], [(A, 1)]]
    go_through(counts, B)
    assert [found(counts, item) for item in (A, B, C)] == [[(C, 1)], [], [(A, 1)]]
    counts.add(np.array([1, 1]), np.array([D, B]), np.full(2, 86_400.0))
    assert sorted(found(counts, B)) == [(A, 1), (C, 1), (D, 1)]


def test_a_forgotten_item_is_paired_no_more_while_its_row_is_free() -> None:
    counts = counted([(1, 1, A), (1, 1, B)])
    counts.forget_items(np.array([B]))
    counts.add(np.array([1]), np.array([C]), np.full(1, 86_400.0))
    assert [found(counts, item) for item in (A, B, C)] == [[(C, 1)], [], [(A, 1)]]
    go_through(counts, B)
    assert [found(counts, item) for item in (A, B, C)] == [[(C, 1)], [], [(A, 1)]]
    assert counts.arrays()["chosen"].tolist() == [A, C]


def test_a_forgotten_users_day_does_not_go_on() -> None:
    counts = counted([(1, 1, A), (1, 2, B)])
    counts.forget_users(np.array([1]))
    counts.add(np.array([1, 2]), np.array([C, D]), np.full(2, 86_400.0))
    assert found(counts, C) == []
    assert found(counts, B) == [(D, 1)]


def test_days_go_on_after_a_restart() -> None:
    counts = counted(REQUESTS[:4])
    counts.forget_items(np.array([D]))
    go_through(counts, D)
    restored = SameDayCounts()
    restored.load_arrays({name: array.copy() for name, array in counts.arrays().items()})
    for each in (counts, restored):
        days, users, items = np.array(REQUESTS[2:]).T
        each.add(users, items, days * 86_400.0)
    assert found(restored, A) == found(counts, A) == [(B, 2), (C, 1), (D, 1)]
    for name, array in counts.arrays().items():
        assert restored.arrays()[name].tolist() == array.tolist()


def test_nothing_counted_leaves_nothing_to_restore() -> None:
    restored = SameDayCounts()
    restored.load_arrays(SameDayCounts().arrays())
    assert found(restored, A) == []


def test_nothing_added_counts_nothing() -> None:
    counts = SameDayCounts()
    counts.add(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    assert found(counts, A) == []
