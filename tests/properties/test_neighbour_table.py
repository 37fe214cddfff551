"""What is searched for in the sets that can hold it is all that a search of the whole table finds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.domain.rows.marked_rows import clear_lines, marked
from streamrec.domain.similarity.neighbour_cells import N_WAYS
from streamrec.domain.similarity.neighbour_table import NOBODY, NeighbourTable

N_ITEMS = 60

ITEMS = st.lists(st.integers(0, N_ITEMS + 20), max_size=30).map(lambda rows: np.array(rows, np.int64))
"""Some that nobody knows, and some twice."""


def filled(n_sets: int, seed: int, n_pairs: int) -> NeighbourTable:
    """Return the same table each time, its sets from empty to full."""
    chance, table = np.random.default_rng(seed), NeighbourTable(n_sets * N_WAYS)
    items = chance.integers(0, N_ITEMS, n_pairs) ** 2 // N_ITEMS
    table.add(
        items,
        chance.integers(0, N_ITEMS, n_pairs),
        chance.random(n_pairs) + 0.1,
        chance.random(n_pairs) < 0.5,
    )
    table.grow_to(N_ITEMS)
    return table


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([1, 3, 8, 32]), st.integers(0, 9), st.sampled_from([0, 1, 40, 3000]), ITEMS)
def test_what_is_forgotten_is_what_a_search_of_all_places_finds(
    n_sets: int, seed: int, n_pairs: int, gone: np.ndarray
) -> None:
    table = filled(n_sets, seed, n_pairs)
    rows = np.arange(table.n_items)
    ids, weights, following = table.of(rows)  # copies
    is_gone = np.isin(ids, gone)
    names_any = is_gone.any(axis=1)
    is_gone[np.isin(rows, gone)] = True
    loses_any = is_gone.any(axis=1)
    assert table.naming(gone).tolist() == np.flatnonzero(names_any).tolist()
    changed = [table.forget(gone)]
    for array, before, empty in zip(
        table.of(rows[::3]), (ids, weights, following), (NOBODY, 0, 0), strict=True
    ):
        assert np.array_equal(array, np.where(is_gone, empty, before)[::3])  # whoever reads does not wait
    table.gone.begin()
    while not table.gone.is_through:
        found = table.gone.go_on()
        assert found is not None
        changed.append(found)
    assert {*np.concatenate(changed).tolist()} == {*np.flatnonzero(loses_any).tolist()}
    for array, before, empty in zip(table.of(rows), (ids, weights, following), (NOBODY, 0, 0), strict=True):
        assert np.array_equal(array, np.where(is_gone, empty, before))
    assert not len(table.naming(gone))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 9), ITEMS)
def test_marked_rows_are_freed_wherever_they_stand(seed: int, gone: np.ndarray) -> None:
    table = np.random.default_rng(seed).integers(NOBODY, N_ITEMS, (20, 5)).astype(np.int32)
    expected = np.where(np.isin(table, gone), NOBODY, table)
    clear_lines(table, np.arange(len(table)), marked(gone))
    assert np.array_equal(table, expected)
