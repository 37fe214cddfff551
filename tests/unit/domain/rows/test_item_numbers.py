"""Questions about sets of numbers, answered by marks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.rows import item_numbers
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


ids = st.frozensets(st.integers(0, 90).map(str), min_size=30, max_size=80)


@given(st.lists(ids, min_size=1, max_size=8), st.lists(st.integers(0, 90).map(str)))
def test_a_set_of_ids_is_known_as_far_as_its_ids_are_by_now(
    asked: list[frozenset[str]], met: list[str]
) -> None:
    items = ItemNumbers()
    for item_id in [*met, "0"]:
        items.of([item_id])
        for some in (*asked, *asked):
            expected = {number for number in items.known(list(some)).tolist() if number >= 0}
            assert set(items.known_among(some).tolist()) == expected


def test_a_set_is_not_remembered_of_ids_that_were_another_items() -> None:
    rows = IdMap(map(str, range(40)))
    items, some = ItemNumbers(rows), frozenset(map(str, range(40)))
    assert len(items.known_among(some)) == 40
    rows.release("7")
    rows.add("another")
    assert 7 not in items.known_among(some)


def test_sets_that_never_come_again_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_numbers, "MOST_REMEMBERED", 1000)
    items = ItemNumbers(IdMap(map(str, range(40))))
    for number in range(500):
        assert len(items.known_among(frozenset([*map(str, range(40)), f"unknown-{number}"]))) == 40
    assert len(items._remembered) <= 1000 // 40


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
