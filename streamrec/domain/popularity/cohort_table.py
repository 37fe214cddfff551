"""Table of cohorts: what each chooses most, and a few people of each, in memory of fixed size."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled_in_place
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.stored import demand_equal_lengths, stored
from streamrec.errors import UnfitState

Rows = NDArray[np.int64]

N_ITEMS = 512
"""Counted of a cohort: newcomers compete for the place of the least chosen one, as in
`streamrec.domain.rows.lightest`."""

_FREE = -1


class CohortTable:
    """Counts by cohort and item, in the unit that they are kept in.

    Twice as many cohorts as shall stay are counted; when no row is free, the lighter half goes at once. So
    values that hardly anybody shares come and go, and cost no more than their rows.

    Parameters
    ----------
    max_cohorts
        That stay.
    n_people
        Kept of each, distinct ones who chose something: as many as it takes to show what they choose.
    """

    def __init__(self, max_cohorts: int, n_people: int) -> None:
        self._max_cohorts = max_cohorts
        self._n_people = n_people
        self._tokens = np.zeros(0, np.int64)
        self._totals = np.zeros(0)
        self._items = np.zeros((0, N_ITEMS), np.int32)
        self._counts = np.zeros((0, N_ITEMS))
        self._people = np.zeros((0, n_people), np.int64)
        self._row_of: dict[int, int] = {}

    def __len__(self) -> int:
        """Return how many cohorts there are."""
        return len(self._row_of)

    def add(self, tokens: Rows, user_rows: Rows, item_rows: Rows, amounts: NDArray[np.float64]) -> None:
        """Count what (Q,) people of cohorts chose."""
        rows = self._rows_of(tokens)
        is_in = rows >= 0
        self._change(rows[is_in], item_rows[is_in], amounts[is_in])
        _note(self._people, rows[is_in], user_rows[is_in], amounts[is_in])

    def take_back(self, tokens: Rows, item_rows: Rows, amounts: NDArray[np.float64]) -> None:
        """Take back (Q,) amounts of cohorts and items, as far as they are still counted."""
        rows = self._known(tokens)
        is_in = rows >= 0
        self._change(rows[is_in], item_rows[is_in], -amounts[is_in])

    def _change(self, rows: Rows, item_rows: Rows, amounts: NDArray[np.float64]) -> None:
        np.add.at(self._totals, rows, amounts)
        np.maximum(self._totals, 0, out=self._totals)  # of rounding
        _count(self._items, self._counts, rows, item_rows, amounts)

    def scale(self, factor: float) -> None:
        """Multiply all counts."""
        self._totals *= factor
        self._counts *= factor

    def shown(self) -> list[int]:
        """Return the tokens of those of whom enough people are known, the heaviest first."""
        if not self._row_of:
            return []
        is_shown = (self._tokens > 0) & (self._people >= 0).all(axis=1)
        rows = np.flatnonzero(is_shown)
        order = np.argsort(-self._totals[rows], kind="stable")[: self._max_cohorts]
        tokens: list[int] = self._tokens[rows[order]].tolist()
        return tokens

    def of(self, token: int) -> tuple[Rows, NDArray[np.float64], float]:
        """Return (M,) items of a cohort, their counts, and the count of all; nothing of an unknown one."""
        row = self._row_of.get(token, _FREE)
        if row < 0:
            return np.zeros(0, np.int64), np.zeros(0), 0.0
        is_taken = self._counts[row] > 0
        return (
            self._items[row, is_taken].astype(np.int64),
            self._counts[row, is_taken],
            float(self._totals[row]),
        )

    def forget_people(self, rows: Rows) -> None:
        """Let people go; what they chose is taken back by `take_back`."""
        self._people[np.isin(self._people, rows)] = _FREE

    def forget_items(self, rows: Rows) -> None:
        """Set the counts of items to zero."""
        is_gone = np.isin(self._items, rows)
        self._totals -= np.where(is_gone, self._counts, 0.0).sum(axis=1)
        np.maximum(self._totals, 0, out=self._totals)
        self._items[is_gone], self._counts[is_gone] = _FREE, 0

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state, for a checkpoint: of the cohorts that there are."""
        rows = np.flatnonzero(self._tokens)
        return {
            "cohorts": self._tokens[rows],
            "totals": self._totals[rows],
            "items": self._items[rows],
            "counts": self._counts[rows],
            "people": self._people[rows],
        }

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over copies of what `arrays` returned, also with other numbers of cohorts and people.

        Raises
        ------
        UnfitState
            When it is of another shape.
        """
        tokens = stored(arrays, "cohorts", np.int64, None)
        n = len(tokens)
        totals = stored(arrays, "totals", np.float64, n)
        items, counts = (
            stored(arrays, "items", np.int32, n, N_ITEMS),
            stored(arrays, "counts", np.float64, n, N_ITEMS),
        )
        people = stored(arrays, "people", np.int64, n, None)
        demand_equal_lengths(cohorts=n, people=len(people))
        if len(np.unique(tokens)) < n or (tokens <= 0).any():
            raise UnfitState("a cohort stands there twice, or has no token")
        self._tokens, self._totals, self._items, self._counts = tokens, totals, items, counts
        kept = people[:, : self._n_people]
        missing = ((0, 0), (0, self._n_people - kept.shape[1]))
        self._people = np.pad(kept, missing, constant_values=_FREE)
        self._row_of = {token: row for row, token in enumerate(tokens.tolist())}
        if n > 2 * self._max_cohorts:
            self._drop_lightest()

    def _rows_of(self, tokens: Rows) -> Rows:
        """Return (Q,) rows, new ones for new cohorts; -1 where more are new at once than find room."""
        distinct, places = np.unique(tokens, return_inverse=True)
        new = [token for token in distinct.tolist() if token not in self._row_of]
        if len(self) + len(new) > 2 * self._max_cohorts:
            self._drop_lightest()
        self._enter(new[: 2 * self._max_cohorts - len(self)])
        of_each: Rows = self._known(distinct)[places]
        return of_each

    def _known(self, tokens: Rows) -> Rows:
        """Return (Q,) rows, -1 of unknown cohorts."""
        return np.array([self._row_of.get(token, _FREE) for token in tokens.tolist()], np.int64)

    def _enter(self, tokens: list[int]) -> None:
        if not tokens:
            return
        n_rows = len(self) + len(tokens)
        self._tokens, self._totals = grown(self._tokens, n_rows), grown(self._totals, n_rows)
        self._items, self._counts = grown(self._items, n_rows, fill=_FREE), grown(self._counts, n_rows)
        self._people = grown(self._people, n_rows, fill=_FREE)
        for token, row in zip(tokens, np.flatnonzero(self._tokens == 0).tolist(), strict=False):
            self._tokens[row] = token
            self._row_of[token] = row

    def _drop_lightest(self) -> None:
        """Let all cohorts go but the heaviest."""
        rows = np.flatnonzero(self._tokens)
        gone = rows[np.argsort(-self._totals[rows], kind="stable")[self._max_cohorts :]]
        for token in self._tokens[gone].tolist():
            del self._row_of[token]
        self._tokens[gone], self._totals[gone], self._counts[gone] = 0, 0, 0
        self._items[gone], self._people[gone] = _FREE, _FREE


@compiled_in_place
def _count(
    items: NDArray[np.int32],
    counts: NDArray[np.float64],
    rows: Rows,
    item_rows: Rows,
    amounts: NDArray[np.float64],
) -> None:
    for q, row in enumerate(rows):
        place, lightest = -1, 0
        for slot in range(items.shape[1]):
            if items[row, slot] == item_rows[q]:
                place = slot
                break
            if counts[row, slot] < counts[row, lightest]:
                lightest = slot
        if place >= 0:
            counts[row, place] = max(0.0, counts[row, place] + amounts[q])
        elif amounts[q] > 0:
            left = counts[row, lightest] - amounts[q]
            if left <= 0:
                items[row, lightest], counts[row, lightest] = item_rows[q], amounts[q]
            else:
                counts[row, lightest] = left


@compiled_in_place
def _note(people: Rows, rows: Rows, user_rows: Rows, amounts: NDArray[np.float64]) -> None:
    for q, row in enumerate(rows):
        free = -1
        for slot in range(people.shape[1]):
            if people[row, slot] == user_rows[q]:
                free = -1
                break
            if people[row, slot] < 0 and free < 0:
                free = slot
        # Looked for in all places first: nobody may stand there twice, and pass for two people.
        if free >= 0 and amounts[q] > 0:
            people[row, free] = user_rows[q]
