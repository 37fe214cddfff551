"""Truth that lists are judged by: choices of the test, and counts of the users and items before it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lab.matrices.cells import CellRules, Csr
from lab.matrices.user_items import read_user_items
from streamrec.datasets.event_set import EventSet
from streamrec.domain.items.item import Item
from streamrec.domain.rows.id_map import IdMap
from streamrec.errors import InvalidInput

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Truth:
    """U users who chose something new to them in the test, and I items.

    Attributes
    ----------
    users, items
        External ids -> rows.
    relevant
        (U, I) 1 where a user chose an item in the test that the user had not chosen in the history.
    n_choices
        (U,) events of the user in the history.
    n_users_of
        (I,) users of the history who chose an item.
    n_events_of
        (I,) events of the history that chose an item.
    n_history_users
        Users of the history who chose anything.
    categories
        (I, C) 1 where an item has a category; items without any have none.
    main_category
        (I,) column of the first category of an item, -1 without one.
    """

    users: IdMap
    items: IdMap
    relevant: Csr
    n_choices: Rows
    n_users_of: Rows
    n_events_of: Rows
    n_history_users: int
    categories: Csr
    main_category: Rows


def truth_of(history: EventSet, test: EventSet, catalog: Sequence[Item], rules: CellRules) -> Truth:
    """Return what lists are judged by.

    Parameters
    ----------
    history
        What models learned.
    catalog
        All items that may be on a list; those of the history and of the test are among them anyway.

    Raises
    ------
    InvalidInput
        When nobody chose anything new in the test.
    """
    before, choices = read_user_items(history, catalog, rules)
    after, _ = read_user_items(test, (), rules)
    # Rows of the test's users and items in the history's numbering, which grows by those that are new.
    user_rows, item_rows = (
        ids.rows_of(later.ids_at(range(later.n_rows)), add=True)
        for ids, later in ((before.users, after.users), (before.items, after.items))
    )
    n_items = before.items.n_rows
    later = after.seen.tocoo()
    keys = user_rows[later.row] * n_items + item_rows[later.col]
    earlier = before.seen.tocoo()
    keys = np.setdiff1d(keys, earlier.row.astype(np.int64) * n_items + earlier.col)
    if not len(keys):
        raise InvalidInput("nobody chose anything new in the test: there is nothing to judge lists by")
    users, lines = np.unique(keys // n_items, return_inverse=True)
    n_choices = np.bincount(choices.user_rows, minlength=before.users.n_rows)
    categories, main_category = _categories(before.items, catalog)
    return Truth(
        IdMap(before.users.ids_at(users.tolist())),
        before.items,
        _ones(lines, keys % n_items, (len(users), n_items)),
        n_choices[users],
        np.bincount(before.seen.indices, minlength=n_items),
        np.bincount(choices.item_rows, minlength=n_items),
        int((n_choices > 0).sum()),
        categories,
        main_category,
    )


def _categories(items: IdMap, catalog: Sequence[Item]) -> tuple[Csr, Rows]:
    names, pairs = IdMap(), set()
    main = np.full(items.n_rows, -1)
    for item in catalog:
        row = items.row(item.item_id)
        for number, name in enumerate(item.categories):
            column = names.add(name)
            pairs.add((row, column))
            if number == 0:
                main[row] = column
    rows, columns = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    return _ones(rows, columns, (items.n_rows, max(1, len(names)))), main


def _ones(rows: Rows, columns: Rows, shape: tuple[int, int]) -> Csr:
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
