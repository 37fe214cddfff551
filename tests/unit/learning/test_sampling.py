from typing import Any

import numpy as np
import pytest

from streamrec.learning.negatives import NegativeSampler
from streamrec.learning.sampling import (
    RecentItems,
    occurrence_numbers,
    random_state,
    restore_random_state,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def drawn(sampler: NegativeSampler, n: int, item: int = 0, seed: int = 0) -> list[int]:
    """What one more event of an item stands against."""
    found: list[int] = sampler.draw_again(np.array([item]), n, rng(seed))[0].tolist()
    return found


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0.01), (0.5, 0.505), (1.0, 1.0)])
def test_popular_items_get_their_share_of_every_part_of_a_draw(share: float, expected: float) -> None:
    sampler = NegativeSampler(share, window=1000)
    sampler.observe(np.arange(100))
    sampler.observe(np.full(1000, 7))
    draws = sampler.draw_again(np.zeros(300, np.int64), 20, rng())
    assert (draws[:, :10] == 7).mean() == pytest.approx(expected, abs=0.03)
    assert (draws[:, 10:] == 7).mean() == pytest.approx(expected, abs=0.03)


def test_unpopular_items_are_drawn_evenly() -> None:
    sampler = NegativeSampler(0.0, window=10)
    sampler.observe(np.arange(100))
    counts = np.bincount(sampler.draw_again(np.zeros(1000, np.int64), 100, rng()).ravel(), minlength=100)
    assert counts.min() > 850
    assert counts.max() < 1150


def test_popularity_is_of_the_last_positives_only() -> None:
    sampler = NegativeSampler(1.0, window=50)
    sampler.observe(np.full(70, 1))
    sampler.observe(np.full(49, 2))
    assert set(drawn(sampler, 2000, 1)) == {1, 2}
    sampler.observe(np.array([2]))
    assert set(drawn(sampler, 2000, 1)) == {2}


def test_a_forgotten_item_is_not_drawn_until_seen_again() -> None:
    sampler = NegativeSampler(0.5, window=100)
    sampler.observe(np.array([0, 1, 2]))
    sampler.forget(np.array([1]))
    assert set(drawn(sampler, 500)) == {-1, 0, 2}
    sampler.observe(np.array([1]))
    assert set(drawn(sampler, 500)) == {0, 1, 2}


def test_rows_nobody_chose_yet_are_not_drawn() -> None:
    sampler = NegativeSampler(0.0, window=100)
    sampler.observe(np.array([4]))
    assert set(drawn(sampler, 500, 4)) == {-1, 4}


@pytest.mark.parametrize("cuts", [(), (1,), (3, 4), tuple(range(1, 40))])
def test_a_batch_draws_what_its_events_would_draw_alone(cuts: tuple[int, ...]) -> None:
    items = rng(3).integers(0, 30, 40)
    whole, cut, random = NegativeSampler(0.0, 10), NegativeSampler(0.0, 10), rng(1)
    expected = whole.draw(items, 20, rng(1))
    found = [cut.draw(part, 20, random) for part in np.split(items, cuts)]
    assert np.concatenate(found).tolist() == expected.tolist()


def test_the_sampler_goes_on_from_a_checkpoint() -> None:
    sampler, restored = NegativeSampler(0.5, window=10), NegativeSampler(0.5, window=10)
    sampler.observe(np.arange(13))
    arrays: dict[str, Any] = {name: array.copy() for name, array in sampler.arrays().items()}
    restored.load(arrays)
    assert drawn(restored, 100) == drawn(sampler, 100)


def test_a_ring_keeps_the_newest_in_order() -> None:
    recent = RecentItems(3)
    recent.grow_to(2)
    recent.add(np.array([0, 1, 0, 0, 0]), np.array([1, 9, 2, 3, 4]))
    assert [items.tolist() for items in recent.newest(np.array([0, 1, 5]), 3)] == [[2, 3, 4], [9], []]
    assert recent.newest(np.array([0]), 2)[0].tolist() == [3, 4]
    recent.grow_to(100)
    assert recent.newest(np.array([0, 99]), 3)[0].tolist() == [2, 3, 4]


def test_more_of_a_user_than_a_ring_holds_leaves_the_newest() -> None:
    recent = RecentItems(4)
    recent.grow_to(1)
    recent.add(np.zeros(1000, np.int64), np.arange(1000))
    assert recent.newest(np.array([0]), 4)[0].tolist() == [996, 997, 998, 999]


def test_replayed_items_come_from_the_same_users_ring() -> None:
    recent = RecentItems(4)
    recent.grow_to(3)
    recent.add(np.array([0, 0, 1]), np.array([10, 11, 20]))
    items = recent.draw(np.array([1, 0, 2]), 50, rng())
    assert [set(of_user.tolist()) for of_user in items] == [{20}, {10, 11}, {-1}]


def test_forgotten_users_and_items_leave_the_rings() -> None:
    recent = RecentItems(4)
    recent.grow_to(2)
    recent.add(np.array([0, 0, 1]), np.array([5, 6, 5]))
    recent.forget_items(np.array([5]))
    assert [items.tolist() for items in recent.newest(np.array([0, 1]), 4)] == [[6], []]
    assert 5 not in recent.draw(np.array([0, 1]), 20, rng())
    recent.forget_users(np.array([0]))
    assert recent.newest(np.array([0]), 4)[0].tolist() == []


def test_occurrences_are_numbered_in_order() -> None:
    rows = rng().integers(0, 20, 500)
    assert occurrence_numbers(rows).tolist() == [
        rows[:place].tolist().count(row) for place, row in enumerate(rows.tolist())
    ]
    assert occurrence_numbers(rows[:0]).tolist() == []


def test_a_generator_goes_on_from_its_state() -> None:
    one, other = rng(1), rng(2)
    one.integers(0, 5, 3, dtype=np.int32)  # leaves half of a draw in the generator
    restore_random_state(other, random_state(one))
    assert (
        other.integers(0, 10**9, 9, dtype=np.int32).tolist()
        == one.integers(0, 10**9, 9, dtype=np.int32).tolist()
    )
