"""What the last items of a user speak for."""

import numpy as np

from streamrec.domain.popularity.recency import again, distinct_newest_first, newest_times

RECENT = ["a", "b", "a", "c", "b"]


def test_a_history_has_each_item_at_its_newest_position() -> None:
    assert distinct_newest_first(RECENT, 9) == ["b", "c", "a"]
    assert distinct_newest_first(RECENT, 2) == ["b", "c"]
    assert distinct_newest_first([], 2) == []


def test_each_item_of_a_history_has_its_newest_time() -> None:
    assert newest_times(RECENT, [1, 2, 3, 4, 5], 9) == [5, 4, 3]
    assert newest_times(RECENT, [3, 4, 5], 9) == [5, 4, 3]
    # Of older ones nothing is known: all that is known stands at the beginning.
    assert newest_times(RECENT, [4, 5], 9) == [5, 4]
    assert newest_times(RECENT, [1, 2, 3, 4, 5], 2) == [5, 4]
    assert newest_times([], [], 9) == []


def test_what_was_chosen_often_and_lately_comes_again() -> None:
    scores = again(RECENT)
    assert sorted(scores, key=lambda item_id: -scores[item_id]) == ["b", "a", "c"]
    once = again([*RECENT, "d"])
    assert once["d"] == 1
    assert np.allclose([once[item_id] / scores[item_id] for item_id in scores], 0.95)
    assert again([]) == {}
