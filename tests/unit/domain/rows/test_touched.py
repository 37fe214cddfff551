from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.events.observed import Decision, ObservedEvents
from streamrec.domain.rows.touched import Touched, TouchedRows
from streamrec.errors import UnfitState
from tests.observed import choices

SOME = st.lists(st.integers(0, 12), max_size=6)


def rows(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_those_silent_longest_come_first() -> None:
    touched = Touched()
    chosen = choices(rows(4, 2), rows(9, 8))
    # User 3 disliked something: the user was there, the item was not chosen.
    touched.observe(ObservedEvents(rows(4, 3, 2), np.zeros(3), [Decision(3, "x", is_dislike=True)], chosen))
    touched.observe(ObservedEvents(rows(4), np.zeros(1), [], choices(rows(4), rows(8))))
    assert touched.users.longest_ago(3).tolist() == [3, 2, 4]
    assert touched.items.longest_ago(2).tolist() == [9, 8]
    touched.forget_users(rows(2))
    touched.forget_items(rows(9, 8))
    assert touched.users.longest_ago(3).tolist() == [3, 4]
    assert touched.items.longest_ago(2).tolist() == []


@given(st.lists(st.tuples(st.sampled_from(["touch", "forget", "keep", "restore"]), SOME)))
def test_it_is_what_a_dictionary_in_order_says(steps: list[tuple[str, list[int]]]) -> None:
    touched, expected = Touched(), OrderedDict[int, None]()
    for step, values in steps:
        if step == "touch":
            touched.users.touch(rows(*values))
            for row in values:
                expected[row] = None
                expected.move_to_end(row)
        elif step == "forget":
            touched.users.forget(rows(*values))
            for row in values:
                expected.pop(row, None)
        elif step == "keep":
            kept = sorted({*values})
            touched.users.keep(rows(*kept))
            missing = [row for row in kept if row not in expected]
            expected = OrderedDict.fromkeys([*missing, *(row for row in expected if row in kept)])
        else:
            before, touched = touched, Touched()
            touched.load_arrays(before.arrays())
        assert touched.users.longest_ago(100).tolist() == list(expected)
        assert touched.users.longest_ago(2).tolist() == list(expected)[:2]


def test_times_of_before_there_was_an_order_are_taken_over() -> None:
    touched = Touched()
    # Of the past of a history they are below zero; of rows that nobody touched they are zero.
    touched.load_arrays({"users": rows(5, -3, 0, 7), "items": rows()})
    assert touched.users.longest_ago(9).tolist() == [1, 0, 3]
    touched.users.keep(rows(0, 1, 2))
    assert touched.users.longest_ago(9).tolist() == [2, 1, 0]


def test_it_takes_nothing_that_was_not_written_down() -> None:
    touched = Touched()
    touched.users.touch(rows(1, 0))
    for arrays in ({}, {**touched.arrays(), "items": np.zeros((2, 2))}):
        with pytest.raises(UnfitState, match="items is|users is"):
            touched.load_arrays(arrays)
    assert touched.users.longest_ago(2).tolist() == [1, 0]


def test_nobody_is_in_at_first() -> None:
    touched = TouchedRows()
    touched.forget(rows(0, 3))
    assert touched.longest_ago(3).tolist() == touched.turns().tolist() == []
