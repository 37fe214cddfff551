"""A bounded number of weighted neighbours for each item."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.marked_rows import GoneRows, Marks, marked
from streamrec.domain.rows.stored import stored
from streamrec.domain.similarity.neighbour_cells import (
    FOLLOWING,
    IDS,
    N_WAYS,
    WEIGHTS,
    admit,
    have,
    raise_known,
    take_out,
)
from streamrec.errors import UnfitState

NOBODY = -1

Rows = NDArray[np.int64]


class NeighbourTable:
    """The heaviest pairs of items, counted in memory that does not grow with the number of pairs.

    An item has S sets of `N_WAYS` slots, and neighbour j may only stand in set j mod S (set-associative, as
    in a processor's cache): to find a pair is to compare eight numbers, whatever there is.
    In a full set newcomers compete for the lightest slot: `streamrec.domain.rows.lightest`.

    Parameters
    ----------
    n_kept
        Neighbours of an item at most, S * `N_WAYS`; twelve bytes each.

    Attributes
    ----------
    gone
        Items that were forgotten, and that may stand as neighbours still.

    >>> table = NeighbourTable(8)
    >>> table.add(np.array([0, 0, 0]), np.array([5, 7, 5]), np.array([1.0, 1.0, 0.5]), np.arange(3) > 0)
    >>> ids, weights, following = table.of(np.array([0]))
    >>> ids[0, :3].tolist(), weights[0, :3].tolist(), following[0, :3].tolist()
    ([5, 7, -1], [1.5, 1.0, 0.0], [0.5, 1.0, 0.0])
    """

    def __init__(self, n_kept: int) -> None:
        self._have(np.zeros((0, n_kept // N_WAYS, 3, N_WAYS), np.int32))
        self.gone = GoneRows(lambda: self.n_items, self._clear)

    def _have(self, cells: NDArray[np.int32]) -> None:
        self._cells, self._floats = cells, cells.view(np.float32)

    @property
    def n_items(self) -> int:
        """Items that there is room for; those beyond have no neighbours."""
        return len(self._cells)

    @property
    def _n_sets(self) -> int:
        return int(self._cells.shape[1])

    def grow_to(self, n_items: int) -> None:
        """Have room for at least so many items."""
        if n_items > self.n_items:
            self._have(grown(self._cells, n_items))

    def add(
        self,
        items: Rows,
        neighbours: Rows,
        gains: NDArray[np.float64],
        is_after: NDArray[np.bool_],
    ) -> None:
        """Add (P,) positive gains to pairs; a pair may occur more than once.

        Parameters
        ----------
        is_after
            (P,) whether the neighbour was chosen after the item.
        """
        if not len(items):
            return
        self.grow_to(int(items.max()) + 1)
        others = raise_known(self._cells, self._floats, items, neighbours, gains, is_after)
        if len(others):
            sets = items[others] * self._n_sets + neighbours[others] % self._n_sets
            gains_after = gains[others] * is_after[others]
            admit(self._cells, self._floats, *_summed(sets, neighbours[others], gains[others], gains_after))

    def of(self, items: Rows) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
        """Return (R, M) neighbours, their weights, and how much of these came after, in no order.

        Free slots hold `NOBODY` with weight 0.
        """
        cells = self._cells[items]
        if self.gone:  # in the copy alone: who loses a neighbour is told of when the table is gone through
            self._take_out(cells, np.arange(len(cells)), self.gone.is_marked)
        weights = cells.view(np.float32)
        shape = (len(items), self._n_sets * N_WAYS)
        return (
            cells[:, :, IDS].reshape(shape) - np.int32(1),
            weights[:, :, WEIGHTS].reshape(shape),
            weights[:, :, FOLLOWING].reshape(shape),
        )

    def forget(self, items: Rows) -> Rows:
        """Remove items, and leave them out wherever they are neighbours; return their own rows, ascending.

        The others that lose any are told of when they are gone through.
        """
        own = np.unique(items[items < self.n_items])
        self._cells[own] = 0
        self.gone.mark(items)
        return own

    def _clear(self, items: Rows, is_gone: Marks) -> Rows:
        return items[self._take_out(self._cells, items, is_gone)]

    def _take_out(self, cells: NDArray[np.int32], lines: Rows, is_gone: Marks) -> NDArray[np.bool_]:
        return take_out(cells, lines, self._sets_of(np.flatnonzero(is_gone)), is_gone)

    def naming(self, items: Rows) -> Rows:
        """Return (R,) the rows that have any of these items among their neighbours."""
        return np.flatnonzero(have(self._cells, self._sets_of(items), marked(items)))

    def scale(self, factor: float) -> None:
        """Multiply all weights."""
        self._floats[:, :, WEIGHTS:] *= np.float32(factor)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state, for a checkpoint: only the slots that are taken, which mostly are few."""
        is_taken = self._floats[:, :, WEIGHTS] > 0
        return {
            "n_kept": np.array([self._n_sets * N_WAYS]),
            "n_neighbours": is_taken.sum(axis=(1, 2), dtype=np.int32),
            "neighbours": self._cells[:, :, IDS][is_taken] - np.int32(1),
            "weights": self._floats[:, :, WEIGHTS][is_taken],
            "following": self._floats[:, :, FOLLOWING][is_taken],
        }

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `arrays` returned, with its number of neighbours.

        Raises
        ------
        UnfitState
            When it is of another shape; the table is as it was then.
        """
        n_neighbours = stored(arrays, "n_neighbours", np.int64, None)
        n_entries, n_kept = int(n_neighbours.sum()), int(stored(arrays, "n_kept", np.int64, 1)[0])
        neighbours = stored(arrays, "neighbours", np.int32, n_entries)
        weights = stored(arrays, "weights", np.float32, n_entries)
        following = stored(arrays, "following", np.float32, n_entries)
        if n_kept < N_WAYS or n_kept % N_WAYS or n_neighbours.max(initial=0) > n_kept:
            raise UnfitState(f"sets of {n_kept} neighbours are none of {N_WAYS} ways")
        n_sets = n_kept // N_WAYS
        self._have(grown(np.zeros((0, n_sets, 3, N_WAYS), np.int32), len(n_neighbours)))
        sets = np.repeat(np.arange(len(n_neighbours)), n_neighbours) * n_sets
        sets += neighbours % n_sets
        # A set's entries stand side by side, in their order.
        firsts = np.flatnonzero(np.diff(sets, prepend=-1))
        ways = np.arange(len(sets)) - np.repeat(firsts, np.diff(firsts, append=len(sets)))
        of_sets, floats = self._cells.reshape(-1, 3, N_WAYS), self._floats.reshape(-1, 3, N_WAYS)
        of_sets[sets, IDS, ways] = neighbours + np.int32(1)
        floats[sets, WEIGHTS, ways] = weights
        floats[sets, FOLLOWING, ways] = following

    def _sets_of(self, items: Rows) -> Rows:
        """Return the sets in which items may stand as neighbours, each once: no others need be searched."""
        return np.unique(items % self._n_sets)


def _summed(
    sets: Rows, newcomers: Rows, *gains: NDArray[np.float64]
) -> tuple[Rows, Rows, NDArray[np.float64], NDArray[np.float64]]:
    """Return each pair of (P,) once, with the sums of its gains."""
    keys = (sets << 32) | newcomers
    order = np.argsort(keys)
    keys = keys[order]
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    chosen = order[firsts]
    first_sum, second_sum = (np.add.reduceat(of_pairs[order], firsts) for of_pairs in gains)
    return sets[chosen], newcomers[chosen], first_sum, second_sum
