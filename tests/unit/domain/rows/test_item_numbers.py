"""Questions about sets of numbers, answered by marks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.item_numbers import ItemNumbers

N_ITEMS = 30

some = st.lists(st.integers(0, N_ITEMS - 1), max_size=20, unique=True).map(
    lambda numbers: np.array(numbers, np.int64)
)


@given(st.lists(st.tuples(some, st.none() | some), min_size=1, max_size=6))
def test_what_is_left_out_is_that_of_sets_whatever_was_asked_before(
    asked: list[tuple[np.ndarray, np.ndarray | None]],
) -> None:
    items = ItemNumbers()
    for n_met, (banned, only) in enumerate(asked, N_ITEMS):
        items.of([str(number) for number in range(n_met)])
        for _ in range(2):
            assert items.left_out(banned, only)[:n_met].tolist() == [
                number in banned or (only is not None and number not in only) for number in range(n_met)
            ]


def test_numbers_are_given_as_ids_are_met_and_asking_gives_none() -> None:
    items = ItemNumbers()
    assert items.of(["b", "a", "b"]).tolist() == [0, 1, 0]
    assert items.known(["never met"]).tolist() == [-1]
    assert len(items) == 2
    later = items.of([str(n) for n in range(5000)])
    assert later.tolist() == [*range(2, 5002)]
    assert len(items.marks) >= len(items)
    assert items.ids_at([1, 0]) == ["a", "b"]


def test_among_anothers_rows_nothing_gets_a_number_here() -> None:
    rows = IdMap("ab")
    items = ItemNumbers(rows)
    assert items.of(["b", "never met"]).tolist() == [1, -1]
    assert rows.n_rows == 2
