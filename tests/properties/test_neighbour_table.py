"""What is searched for in the sets that can hold it is all that a search of the whole table finds."""

from collections.abc import Iterable

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
    left = [
        np.where(is_gone, empty, before)
        for before, empty in zip((ids, weights, following), (NOBODY, 0, 0), strict=True)
    ]
    for array, expected in zip(by_neighbour(*table.of(rows)), by_neighbour(*left), strict=True):
        assert np.array_equal(array, expected)
    assert not len(table.naming(gone))


def by_neighbour(ids: np.ndarray, *columns: np.ndarray) -> list[np.ndarray]:
    """Return neighbours and what is known of them, ascending by row: where they stand says nothing."""
    order = np.argsort(ids, axis=1, kind="stable")
    return [np.take_along_axis(column, order, axis=1) for column in (ids, *columns)]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([1, 3, 8, 12]),
    st.integers(0, 99),
    st.lists(st.integers(1, 400), min_size=1, max_size=4),
    st.integers(1, 2000),
)
def test_an_item_of_few_neighbours_has_those_that_all_sets_would_hold(
    n_sets: int, seed: int, sizes: list[int], n_items: int
) -> None:
    chance, table = np.random.default_rng(seed), NeighbourTable(n_sets * N_WAYS)
    expected = dict[tuple[int, int], list[tuple[int, float, float]]]()
    for n_pairs in sizes:
        items, neighbours = chance.integers(0, 3, n_pairs), chance.integers(0, n_items, n_pairs)
        gains, is_after = chance.integers(1, 9, n_pairs).astype(float), chance.random(n_pairs) < 0.5
        table.add(items, neighbours, gains, is_after)
        count(expected, n_sets, zip(items.tolist(), neighbours.tolist(), gains, is_after, strict=True))
    loaded = NeighbourTable(N_WAYS)
    loaded.load_arrays(table.arrays())
    for held in (table, loaded):
        ids, weights, following = held.of(np.arange(held.n_items))
        for item in range(held.n_items):
            for one in range(n_sets):
                of_set = slice(one * N_WAYS, (one + 1) * N_WAYS)
                slots = zip(*(part[item, of_set].tolist() for part in (ids, weights, following)), strict=True)
                assert [slot for slot in slots if slot[0] >= 0] == expected.get((item, one), [])


def count(
    sets: dict[tuple[int, int], list[tuple[int, float, float]]],
    n_sets: int,
    pairs: Iterable[tuple[int, int, float, bool]],
) -> None:
    """Count pairs in sets of `N_WAYS`, plain lists: those that are there first, the others summed."""
    new = dict[tuple[int, int], dict[int, tuple[float, float]]]()
    for item, neighbour, gain, is_after in pairs:
        held = sets.setdefault((item, neighbour % n_sets), [])
        known = [slot[0] for slot in held]
        if neighbour in known:
            at = known.index(neighbour)
            held[at] = (neighbour, held[at][1] + gain, held[at][2] + gain * is_after)
        else:
            sums = new.setdefault((item, neighbour % n_sets), {})
            before = sums.get(neighbour, (0.0, 0.0))
            sums[neighbour] = before[0] + gain, before[1] + gain * is_after
    for key, sums in new.items():
        held = sets[key]
        for neighbour, (gain, after) in sorted(sums.items(), key=lambda one: (-one[1][0], one[0]))[:N_WAYS]:
            if len(held) < N_WAYS:
                held.append((neighbour, gain, after))
                continue
            lightest = min(range(N_WAYS), key=lambda at: held[at][1])
            left = held[lightest][1] - gain
            held[lightest] = (
                (neighbour, gain, after) if left <= 0 else (held[lightest][0], left, held[lightest][2])
            )


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 9), ITEMS)
def test_marked_rows_are_freed_wherever_they_stand(seed: int, gone: np.ndarray) -> None:
    table = np.random.default_rng(seed).integers(NOBODY, N_ITEMS, (20, 5)).astype(np.int32)
    expected = np.where(np.isin(table, gone), NOBODY, table)
    clear_lines(table, np.arange(len(table)), marked(gone))
    assert np.array_equal(table, expected)
