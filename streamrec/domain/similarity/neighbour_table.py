"""A bounded number of weighted neighbours for each item."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.lightest import compete, one_of_each_set
from streamrec.domain.rows.marked_rows import is_among, marked
from streamrec.domain.rows.stored import stored
from streamrec.errors import UnfitState

N_WAYS = 8
"""Slots of a set: eight 4-byte rows lie in half a line of the processor's cache."""

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

    >>> table = NeighbourTable(8)
    >>> table.add(np.array([0, 0, 0]), np.array([5, 7, 5]), np.array([1.0, 1.0, 0.5]), np.array([0, 1, 1]))
    >>> ids, weights, following = table.of(np.array([0]))
    >>> ids[0, :3].tolist(), weights[0, :3].tolist(), following[0, :3].tolist()
    ([5, 7, -1], [1.5, 1.0, 0.0], [0.5, 1.0, 0.0])
    """

    def __init__(self, n_kept: int) -> None:
        self._n_sets = n_kept // N_WAYS
        self._ids = np.zeros((0, n_kept), np.int32)
        self._weights = np.zeros((0, n_kept), np.float32)
        self._following = np.zeros((0, n_kept), np.float32)

    @property
    def n_items(self) -> int:
        """Items that there is room for; those beyond have no neighbours."""
        return len(self._ids)

    def grow_to(self, n_items: int) -> None:
        """Have room for at least so many items."""
        self._ids = grown(self._ids, n_items, fill=NOBODY)
        self._weights = grown(self._weights, n_items)
        self._following = grown(self._following, n_items)

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
        sets = items * self._n_sets + neighbours % self._n_sets
        is_here = self._ids.reshape(-1, N_WAYS)[sets] == neighbours.astype(np.int32)[:, None]
        # A pair stands in one slot at most, so these are pairs and slots at once.
        found = np.flatnonzero(is_here)
        pairs = found // N_WAYS
        slots, of_pairs = sets[pairs] * N_WAYS + found % N_WAYS, gains[pairs].astype(np.float32)
        np.add.at(self._weights.reshape(-1), slots, of_pairs)
        np.add.at(self._following.reshape(-1), slots, of_pairs * is_after[pairs])
        if len(pairs) < len(items):
            is_new = np.ones(len(items), np.bool_)
            is_new[pairs] = False
            self._admit(sets[is_new], neighbours[is_new], gains[is_new], is_after[is_new])

    def of(self, items: Rows) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
        """Return (R, M) neighbours, their weights, and how much of these came after, in no order.

        Free slots hold `NOBODY` with weight 0.
        """
        return self._ids[items], self._weights[items], self._following[items]

    def forget(self, items: Rows) -> Rows:
        """Remove items and wherever they are neighbours.

        Returns
        -------
        changed
            Rows that lost any of them, and their own, ascending.
        """
        own = items[items < len(self._ids)]
        ids, weights, following = map(self._by_set, (self._ids, self._weights, self._following))
        has_lost = _take_out(ids, weights, following, self._sets_of(items), marked(items))
        ids[own] = NOBODY
        weights[own] = following[own] = 0.0
        has_lost[own] = True
        return np.flatnonzero(has_lost)

    def naming(self, items: Rows) -> Rows:
        """Return (R,) the rows that have any of these items among their neighbours."""
        return np.flatnonzero(_have(self._by_set(self._ids), self._sets_of(items), marked(items)))

    def scale(self, factor: float) -> None:
        """Multiply all weights."""
        self._weights *= np.float32(factor)
        self._following *= np.float32(factor)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state, for a checkpoint: only the slots that are taken, which mostly are few."""
        is_taken = self._weights > 0
        return {
            "n_kept": np.array([self._ids.shape[1]]),
            "n_neighbours": is_taken.sum(axis=1, dtype=np.int32),
            "neighbours": self._ids[is_taken],
            "weights": self._weights[is_taken],
            "following": self._following[is_taken],
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
        self._n_sets = n_kept // N_WAYS
        self._ids = np.full((len(n_neighbours), n_kept), NOBODY, np.int32)
        self._weights = np.zeros((len(n_neighbours), n_kept), np.float32)
        self._following = np.zeros((len(n_neighbours), n_kept), np.float32)
        sets = np.repeat(np.arange(len(n_neighbours)), n_neighbours) * self._n_sets
        sets += neighbours % self._n_sets
        # A set's entries stand side by side, in their order.
        firsts = np.flatnonzero(np.diff(sets, prepend=-1))
        ways = np.arange(len(sets)) - np.repeat(firsts, np.diff(firsts, append=len(sets)))
        self._ids.reshape(-1)[sets * N_WAYS + ways] = neighbours
        self._weights.reshape(-1)[sets * N_WAYS + ways] = weights
        self._following.reshape(-1)[sets * N_WAYS + ways] = following

    def _by_set(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an (N, M) array as (N, S, `N_WAYS`), a view."""
        return array.reshape(len(array), self._n_sets, N_WAYS)

    def _sets_of(self, items: Rows) -> Rows:
        """Return the sets in which items may stand as neighbours, each once: no others need be searched."""
        return np.unique(items % self._n_sets)

    def _admit(
        self, sets: Rows, newcomers: Rows, gains: NDArray[np.float64], is_after: NDArray[np.bool_]
    ) -> None:
        """Let (P,) newcomers compete for the slots of their sets, one of a set at a time."""
        sets, newcomers, gains, gains_after = _summed(sets, newcomers, gains, gains * is_after)
        weights, following = gains.astype(np.float32), gains_after.astype(np.float32)
        for candidates in one_of_each_set(sets, gains, N_WAYS):
            slots, is_in = compete(self._weights, N_WAYS, sets[candidates], weights[candidates])
            self._ids.reshape(-1)[slots[is_in]] = newcomers[candidates[is_in]]
            self._following.reshape(-1)[slots[is_in]] = following[candidates[is_in]]


@compiled
def _have(ids: NDArray[np.int32], sets: Rows, is_marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (N,) which lines of an (N, S, W) table hold any marked row in some of the sets."""
    is_found = np.zeros(ids.shape[0], np.bool_)
    for i in range(ids.shape[0]):
        for one in sets:
            for way in range(ids.shape[2]):
                is_found[i] |= is_among(ids[i, one, way], is_marked)
    return is_found


@compiled
def _take_out(
    ids: NDArray[np.int32],
    weights: NDArray[np.float32],
    following: NDArray[np.float32],
    sets: Rows,
    is_marked: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Free slots of (N, S, W) tables that hold marked rows in some sets; return which lines had any."""
    has_lost = np.zeros(ids.shape[0], np.bool_)
    for i in range(ids.shape[0]):
        for one in sets:
            for way in range(ids.shape[2]):
                if is_among(ids[i, one, way], is_marked):
                    ids[i, one, way] = NOBODY
                    weights[i, one, way] = following[i, one, way] = 0.0
                    has_lost[i] = True
    return has_lost


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
