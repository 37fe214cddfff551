"""Events before one moment, in columns, and sums over them by user or by item."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.dataset.lab_data import LabData
from streamrec.datasets.event_set import CodedColumn

DAY_S = 86_400.0
NO_CATEGORY = -1

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Past:
    """N events before a moment; one at the moment itself is not among them.

    Attributes
    ----------
    moment
        Unix seconds.
    users, items
        (N,) int64 numbers below `n_users` and `n_items`.
    types
        (N,) int64 positions in `type_names`.
    categories
        (N,) int64 main category of each event's item, or `NO_CATEGORY`; what is known of items has no date.
    """

    moment: float
    users: _Ints
    items: _Ints
    types: _Ints
    timestamps: _Floats
    values: _Floats
    sessions: _Ints
    categories: _Ints
    type_names: tuple[str, ...]
    category_names: tuple[str, ...]
    n_users: int
    n_items: int

    def is_of(self, type_: str) -> NDArray[np.bool_]:
        """Return (N,) which events are of a type, in data that may have none of it."""
        code = self.type_names.index(type_) if type_ in self.type_names else -1
        found: NDArray[np.bool_] = self.types == code
        return found

    def is_within(self, days: int) -> NDArray[np.bool_]:
        """Return (N,) which events happened in the days before the moment."""
        found: NDArray[np.bool_] = self.timestamps >= self.moment - days * DAY_S
        return found


def past_of(data: LabData, moment: float, categories: CodedColumn) -> Past:
    """Return what had happened before a moment.

    Parameters
    ----------
    categories
        Main category of each item, as `main_categories` has them.
    """
    events = data.events
    n = int(events.timestamps.searchsorted(moment, side="left"))
    items = events.items.codes[:n].astype(np.int64)
    return Past(
        moment,
        users=events.users.codes[:n].astype(np.int64),
        items=items,
        types=events.types.codes[:n].astype(np.int64),
        timestamps=events.timestamps[:n],
        values=events.values[:n],
        sessions=data.sessions[:n],
        categories=categories.codes[items].astype(np.int64),
        type_names=tuple(events.types.names),
        category_names=tuple(categories.names),
        n_users=len(events.users.names),
        n_items=len(events.items.names),
    )


def main_categories(data: LabData) -> CodedColumn:
    """Return the first category of each item that occurs, by its number; `NO_CATEGORY` where it has none."""
    first = {item.item_id: item.categories[0] for item in data.events.catalog if item.categories}
    names = sorted(set(first.values()))
    codes = {name: code for code, name in enumerate(names)}
    of = [codes.get(first.get(item_id, ""), NO_CATEGORY) for item_id in data.events.items.names]
    return CodedColumn(np.array(of, np.int32), names)


def counted(rows: _Ints, n_rows: int, of: NDArray[np.bool_] | None = None) -> _Ints:
    """Return (n_rows,) how often each row occurs, among all or some."""
    counts: _Ints = np.bincount(rows if of is None else rows[of], minlength=n_rows)
    return counts


def summed(rows: _Ints, n_rows: int, amounts: _Floats) -> _Floats:
    """Return (n_rows,) sums of amounts by row; NaN is no amount."""
    is_known = ~np.isnan(amounts)
    return np.bincount(rows[is_known], amounts[is_known], n_rows).astype(np.float64)


def distinct_pairs(rows: _Ints, columns: _Ints) -> tuple[_Ints, _Ints, _Ints]:
    """Return the distinct (row, column) in order, and how often each occurs."""
    width = int(columns.max(initial=0)) + 1
    pairs, counts = np.unique(rows * width + columns, return_counts=True)
    return pairs // width, pairs % width, counts


def first_and_last(rows: _Ints, n_rows: int, timestamps: _Floats) -> tuple[_Floats, _Floats]:
    """Return (n_rows,) times of first and last events, NaN where there is none; times do not fall."""
    first, last = np.full(n_rows, np.nan), np.full(n_rows, np.nan)
    last[rows] = timestamps  # of equal rows the last one stays
    first[rows[::-1]] = timestamps[::-1]
    return first, last
