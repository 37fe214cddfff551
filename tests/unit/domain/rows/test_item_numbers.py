"""Questions about sets of numbers, answered by marks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.item_numbers import ItemNumbers

N_ITEMS = 30

some = st.lists(st.integers(0, N_ITEMS - 1), max_size=40).map(lambda numbers: np.array(numbers, np.int64))
distinct = st.lists(st.integers(0, N_ITEMS - 1), max_size=20, unique=True).map(
    lambda numbers: np.array(numbers, np.int64)
)


@given(st.lists(st.tuples(some, distinct), min_size=1, max_size=4))
def test_answers_are_those_of_sets_whatever_was_asked_before(
    asked: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    items = ItemNumbers(IdMap(map(str, range(N_ITEMS))))
    for numbers, among in asked:
        listed, chosen = numbers.tolist(), among.tolist()
        assert items.are_among(numbers, among).tolist() == [number in chosen for number in listed]
        found = items.distinct(numbers)
        assert found.numbers.tolist() == list(dict.fromkeys(listed))
        assert found.numbers[found.positions].tolist() == listed
        places = [chosen.index(number) if number in chosen else len(chosen) for number in listed]
        assert items.positions(numbers, among).tolist() == places


def test_numbers_are_given_as_ids_are_met_and_asking_gives_none() -> None:
    items = ItemNumbers()
    assert items.of(["b", "a", "b"]).tolist() == [0, 1, 0]
    assert items.known(["never met"]).tolist() == [-1]
    assert len(items) == 2
    later = items.of([str(n) for n in range(5000)])
    assert items.distinct(later).numbers.tolist() == later.tolist()
    assert items.ids_at([1, 0]) == ["a", "b"]


def test_among_anothers_rows_nothing_gets_a_number_here() -> None:
    rows = IdMap("ab")
    items = ItemNumbers(rows)
    assert items.of(["b", "never met"]).tolist() == [1, -1]
    assert rows.n_rows == 2
