import numpy as np
import pytest

from streamrec.domain.events.observed import ObservedEvents
from streamrec.domain.rows.touched import Touched
from streamrec.errors import UnfitState
from tests.observed import choices


def rows(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_those_silent_longest_come_first() -> None:
    touched = Touched()
    chosen = choices(rows(4, 2), rows(9, 8))
    # User 3 disliked something: the user was there, the item was not chosen.
    touched.observe(ObservedEvents(rows(4, 3, 2), np.zeros(3), [(3, "x")], chosen, number=3))
    touched.observe(ObservedEvents(rows(4), np.zeros(1), [], choices(rows(4), rows(8)), number=4))
    assert touched.users.longest_ago(rows(2, 3, 4), 3).tolist() == [3, 2, 4]
    assert touched.items.longest_ago(rows(8, 9), 2).tolist() == [9, 8]


def test_it_goes_on_from_what_was_written_down_and_takes_nothing_else() -> None:
    touched, restored = Touched(), Touched()
    touched.observe(ObservedEvents(rows(1, 0), np.zeros(2), [], choices(rows(1, 0), rows(5, 5)), number=2))
    restored.load_arrays(touched.arrays())
    assert [restored.users.at(row) for row in (0, 1)] == [1, 0]
    assert restored.items.at(5) == 1
    for arrays in ({}, {**touched.arrays(), "items": np.zeros((2, 2))}):
        with pytest.raises(UnfitState, match="items is|users is"):
            restored.load_arrays(arrays)
    assert restored.users.at(0) == 1
