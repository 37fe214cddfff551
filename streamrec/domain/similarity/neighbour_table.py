"""A bounded number of weighted neighbours for each item."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.blocks.block_memory import BlockMemory, Blocks
from streamrec.domain.rows.marked_rows import GoneRows, Marks, marked
from streamrec.domain.rows.stored import stored
from streamrec.domain.similarity.neighbour_cells import (
    N_WAYS,
    SET_CELLS,
    WEIGHTS,
    admit,
    fill,
    have,
    raise_known,
    spread,
    take_out,
)
from streamrec.errors import UnfitState

NOBODY = -1

_AT_ONCE = 1024
"""Items that are written down or loaded at once."""

_ROOM = 64
"""Items that there is room for to get all sets, before newcomers are admitted."""

Rows = NDArray[np.int64]


class NeighbourTable:
    """The heaviest pairs of items, counted in memory that does not grow with the number of pairs.

    An item has S sets of `N_WAYS` slots, and neighbour j may only stand in set j mod S (set-associative, as
    in a processor's cache): to find a pair is to compare eight numbers, whatever there is.
    In a full set newcomers compete for the lightest slot: `streamrec.domain.rows.lightest`.

    Parameters
    ----------
    n_kept
        Neighbours of an item at most, S * `N_WAYS`; twelve bytes each slot that there is.

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
        self._begin(n_kept // N_WAYS)
        self.gone = GoneRows(lambda: self.n_items, self._clear)

    def _begin(self, n_sets: int) -> None:
        sizes = [n_sets]
        while sizes[0] % 2 == 0:  # so that no set of more sets has more to hold than one of fewer
            sizes.insert(0, sizes[0] // 2)
        self._memory = BlockMemory([0, *sizes], [0, *sizes], SET_CELLS)

    @property
    def _blocks(self) -> Blocks:
        return self._memory.blocks

    @property
    def _floats(self) -> NDArray[np.float32]:
        return self._memory.blocks.cells.view(np.float32)

    @property
    def n_items(self) -> int:
        """Items that there is room for; those beyond have no neighbours."""
        return self._memory.n_rows

    @property
    def _n_sets(self) -> int:
        return int(self._blocks.lengths[-1])

    def grow_to(self, n_items: int) -> None:
        """Have room for at least so many items."""
        self._memory.grow_to(n_items)

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
        others = np.empty(len(items), np.int64)
        pairs = items, neighbours
        others = others[: raise_known(self._blocks, self._floats, pairs, gains, is_after, others)]
        if len(others):
            sets = items[others] * self._n_sets + neighbours[others] % self._n_sets
            gains_after = gains[others] * is_after[others]
            sets, newcomers, *sums = _summed(sets, neighbours[others], gains[others], gains_after)
            n_done = 0
            while n_done < len(sets):
                self._memory.make_room(_ROOM * self._n_sets)
                n_done = admit(self._blocks, self._floats, sets, newcomers, (sums[0], sums[1]), n_done)

    def of(self, items: Rows) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
        """Return (R, M) neighbours, their weights, and how much of these came after, in no order.

        Free slots hold `NOBODY` with weight 0. Forgotten items are left out here alone: who loses a neighbour
        is told of when the table is gone through.
        """
        return spread(self._blocks, self._floats, items, self.gone.is_marked)

    def forget(self, items: Rows) -> Rows:
        """Remove items, and leave them out wherever they are neighbours; return their own rows, ascending.

        The others that lose any are told of when they are gone through.
        """
        own = np.unique(items[items < self.n_items])
        self._memory.release(own)
        self.gone.mark(items)
        return own

    def _clear(self, items: Rows, is_gone: Marks) -> Rows:
        sets = self._sets_of(np.flatnonzero(is_gone))
        return items[take_out(self._blocks, self._floats, items, sets, is_gone)]

    def naming(self, items: Rows) -> Rows:
        """Return (R,) the rows that have any of these items among their neighbours."""
        return np.flatnonzero(have(self._blocks, self._sets_of(items), marked(items)))

    def scale(self, factor: float) -> None:
        """Multiply all weights."""
        n_used = int(self._blocks.n_used[0]) * SET_CELLS
        self._floats[:n_used].reshape(-1, SET_CELLS)[:, WEIGHTS:] *= np.float32(factor)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state, for a checkpoint: only the slots that are taken, which mostly are few."""
        n_neighbours = np.zeros(self.n_items, np.int32)
        parts: list[tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]] = []
        for start in range(0, max(1, self.n_items), _AT_ONCE):
            items = np.arange(start, min(start + _AT_ONCE, self.n_items))
            columns = self.of(items)
            is_taken = columns[1] > 0
            n_neighbours[items] = is_taken.sum(axis=1)
            parts.append((columns[0][is_taken], columns[1][is_taken], columns[2][is_taken]))
        neighbours, weights, following = (np.concatenate(column) for column in zip(*parts, strict=True))
        return {
            "n_kept": np.array([self._n_sets * N_WAYS]),
            "n_neighbours": n_neighbours,
            "neighbours": neighbours,
            "weights": weights,
            "following": following,
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
        self._begin(n_kept // N_WAYS)
        self.grow_to(len(n_neighbours))
        bounds = [0, *np.cumsum(n_neighbours)[_AT_ONCE - 1 :: _AT_ONCE].tolist(), n_entries]
        for number, (start, stop) in enumerate(pairwise(bounds)):
            items = np.arange(number * _AT_ONCE, min((number + 1) * _AT_ONCE, len(n_neighbours)))
            # What blocks an item had on the way, others get.
            self._memory.make_room(2 * _AT_ONCE * self._n_sets)
            part = slice(start, stop)
            columns = weights[part], following[part]
            fill(self._blocks, self._floats, (items, n_neighbours[items]), neighbours[part], columns)

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
