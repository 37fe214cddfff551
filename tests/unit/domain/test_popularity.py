import numpy as np
import pytest

from streamrec.domain.popularity import Popularity

WINDOWS = {"all": None, "hour": 3600.0, "minute": 60.0}


def counted(order: slice | list[int] = slice(None)) -> Popularity:
    random = np.random.default_rng(0)
    items, times = random.integers(0, 20, 400), 1.7e9 + random.random(400) * 7200
    popularity = Popularity(WINDOWS)
    for part in np.array_split(np.arange(400)[order], 9):
        popularity.add(items[part], times[part], np.ones(len(part)))
    return popularity


def test_an_event_counts_half_after_a_half_life() -> None:
    popularity = Popularity({"minute": 60.0})
    popularity.add(np.array([0]), np.array([1000.0]), np.array([4.0]))
    popularity.add(np.array([1]), np.array([1060.0]), np.array([1.0]))
    assert popularity.scores("minute") == pytest.approx([2.0, 1.0])


def test_order_of_arrival_makes_no_difference() -> None:
    for window in WINDOWS:
        forwards = counted().scores(window)
        assert counted(slice(None, None, -1)).scores(window) == pytest.approx(forwards)


def test_each_window_forgets_at_its_own_pace() -> None:
    popularity = counted()
    assert popularity.scores("all").sum() == 400
    assert 400 > popularity.scores("hour").sum() > popularity.scores("minute").sum() > 0


def test_years_of_events_overflow_nothing() -> None:
    popularity = Popularity({"minute": 60.0})
    for day in range(3000):
        popularity.add(np.array([day % 3]), np.array([day * 86400.0]), np.ones(1))
    scores = popularity.scores("minute")
    assert np.isfinite(scores).all()
    assert scores[2999 % 3] == pytest.approx(1.0)
    popularity.add(np.array([0]), np.array([0.0]), np.ones(1))
    assert np.isfinite(popularity.scores("minute")).all()


def test_top_is_ordered_and_leaves_out_what_nobody_chose() -> None:
    popularity = Popularity({"all": None})
    popularity.add(np.array([5, 2, 5, 0]), np.zeros(4), np.ones(4))
    assert popularity.top("all", 10).tolist() == [5, 0, 2]
    assert popularity.top("all", 1).tolist() == [5]
    popularity.forget(5)
    popularity.forget(1000)
    assert popularity.top("all", 10).tolist() == [0, 2]


def test_a_restored_counter_goes_on_alike() -> None:
    popularity, restored = counted(), Popularity(WINDOWS)
    restored.load_arrays({name: array.copy() for name, array in popularity.arrays().items()})
    for each in (popularity, restored):
        each.add(np.array([30]), np.array([1.7e9 + 9000]), np.ones(1))
    for window in WINDOWS:
        assert restored.scores(window).tolist() == popularity.scores(window).tolist()


def test_nothing_counted_scores_nothing() -> None:
    popularity = Popularity(WINDOWS)
    popularity.add(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    assert popularity.windows == ("all", "hour", "minute")
    assert popularity.scores("hour").tolist() == popularity.top("all", 5).tolist() == []
