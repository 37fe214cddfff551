import numpy as np
import pytest

from streamrec.domain.items.new_items import NewItems


def rows(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def count(items: NewItems, row: int, time: float, n: int = 1, amount: float = 1.0) -> None:
    items.count(np.full(n, row), np.full(n, time), np.full(n, amount))


def test_the_youngest_and_least_chosen_come_first() -> None:
    items = NewItems(100.0, 20.0)
    count(items, 0, 0.0)
    count(items, 1, 80.0)
    count(items, 2, 80.0, n=5)
    items.enter(3, 80.0)
    assert np.argsort(-items.scores(90.0)).tolist() == [3, 1, 2, 0]


def test_an_item_is_new_until_it_is_old_or_known() -> None:
    items = NewItems(100.0, 3.0)
    count(items, 0, 0.0)
    count(items, 1, 50.0)
    assert (items.scores(99.0) > 0).tolist() == [True, True]
    assert (items.scores(100.0) > 0).tolist() == [False, True]
    count(items, 1, 100.0, n=2)
    assert items.scores(100.0).tolist() == [0.0, 0.0]


def test_its_age_runs_from_the_first_event_of_a_batch() -> None:
    items = NewItems(100.0, 20.0)
    items.count(rows(0, 1, 0), np.array([0.0, 10.0, 50.0]), np.ones(3))
    assert items.scores(100.0) == pytest.approx([0.0, 0.05])


def drawn(items: NewItems, now: float, n: int = 2000) -> np.ndarray:
    """Return (n, I) draws."""
    rng = np.random.default_rng(1)
    return np.array([items.draws(now, rng) for _ in range(n)])


def test_draws_are_of_new_items_alone_and_the_same_for_the_same_chance() -> None:
    items = NewItems(100.0, 3.0)
    assert items.draws(0.0, np.random.default_rng(0)).tolist() == []
    count(items, 0, 0.0)
    count(items, 1, 50.0)
    count(items, 2, 50.0, n=3)
    items.enter(4, 50.0)
    assert (drawn(items, 120.0).min(axis=0)[:5] > 0).tolist() == [False, True, False, False, True]
    one, other = (items.draws(60.0, np.random.default_rng(5)) for _ in range(2))
    assert one.tolist() == other.tolist()
    assert (one > 0).tolist() == (items.scores(60.0) > 0).tolist()


def test_what_was_there_for_long_in_vain_gives_way_to_the_young_and_to_what_is_chosen() -> None:
    items = NewItems(100.0, 50.0)
    for row in range(20):
        count(items, row, 0.0, n=5)
    items.enter(20, 0.0)  # nobody chose it, all the time
    items.enter(21, 89.0)  # nobody could choose it yet
    count(items, 22, 80.0, n=10)  # as often in a tenth of the time as others in all of it
    means = drawn(items, 90.0).mean(axis=0)
    assert means[21] > 3 * means[20]
    assert means[22] > 2 * means[0]


def test_what_is_known_well_is_left_to_the_ranker() -> None:
    items = NewItems(100.0, 50.0)
    count(items, 0, 0.0, n=4)
    count(items, 1, 0.0, n=40)  # ten times as many choices are not worth ten times as much to learn
    means = drawn(items, 90.0).mean(axis=0)
    assert means[1] == pytest.approx(means[0], rel=0.25)


def test_a_robot_does_not_make_an_item_known() -> None:
    items = NewItems(100.0, 20.0)
    count(items, 0, 0.0, n=1000, amount=0.01)
    assert items.scores(0.0)[0] > 0


def test_an_item_is_silent_until_it_is_chosen_or_gone() -> None:
    items = NewItems(100.0, 20.0)
    for row in (5, 6, 7):
        items.enter(row, 0.0)
    count(items, 5, 1.0)
    assert items.n_silent == 2
    items.forget_items(np.array([6, 1000]))
    assert (items.n_silent, (items.scores(1.0) > 0).tolist()[5:]) == (1, [True, False, True])
    count(items, 6, 60.0)  # another one, in the row that is free
    assert items.scores(120.0)[6] > 0
    assert items.scores(120.0)[7] == 0


def test_a_restored_one_goes_on_alike() -> None:
    items, restored = NewItems(100.0, 20.0), NewItems(100.0, 20.0)
    count(items, 0, 0.0)
    items.enter(4, 10.0)
    restored.load_arrays({name: array.copy() for name, array in items.arrays().items()})
    assert restored.n_silent == 1
    for each in (items, restored):
        count(each, 4, 20.0)
    assert restored.scores(30.0).tolist() == items.scores(30.0).tolist()
    assert restored.n_silent == 0
