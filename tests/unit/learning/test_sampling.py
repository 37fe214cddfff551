import numpy as np

from streamrec.learning.living_items import LivingItems
from streamrec.learning.sampling import (
    RecentItems,
    occurrence_numbers,
    random_state,
    restore_random_state,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_only_items_that_live_and_were_chosen_stand_as_negatives() -> None:
    living = LivingItems()
    living.add(np.array([0, 1, 4]))
    living.forget(np.array([1, 99]))
    living.grow_to(50)
    assert np.flatnonzero(living.is_alive).tolist() == [0, 4]
    assert living.n_items.tolist() == [5]
    restored = LivingItems()
    restored.load({name: array.copy() for name, array in living.arrays().items()})
    assert np.flatnonzero(restored.is_alive).tolist() == [0, 4]
    restored.add(np.array([1]))
    assert np.flatnonzero(restored.is_alive).tolist() == [0, 1, 4]


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


def test_forgotten_users_and_items_leave_the_rings() -> None:
    recent = RecentItems(4)
    recent.grow_to(2)
    recent.add(np.array([0, 0, 1]), np.array([5, 6, 5]))
    recent.forget_items(np.array([5]))
    assert [items.tolist() for items in recent.newest(np.array([0, 1]), 4)] == [[6], []]
    recent.forget_users(np.array([0]))
    assert recent.newest(np.array([0]), 4)[0].tolist() == []


def test_rings_of_one_length_are_read() -> None:
    recent = RecentItems(10)
    recent.load(
        {
            "rings": np.array([[7, 8, 9], [4, 5, 3], [1, 0, 0], [0, 0, 0]], np.int32),
            "counts": np.array([3, 5, 1, 0], np.int32),
        }
    )
    read = RecentItems(2)
    read.load(recent.arrays())
    users = np.arange(4)
    assert [items.tolist() for items in recent.newest(users, 9)] == [[7, 8, 9], [3, 4, 5], [1], []]
    assert [items.tolist() for items in read.newest(users, 9)] == [[8, 9], [4, 5], [1], []]
    read.add(np.array([3, 1]), np.array([2, 6]))
    assert [items.tolist() for items in read.newest(users, 9)] == [[8, 9], [5, 6], [1], [2]]


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
