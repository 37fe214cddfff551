"""Co-visitation: streaming item-item neighbours by what is chosen together."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import ObservedEvents
from streamrec.domain.popularity.fading import OF_FLOATS, FadingScale
from streamrec.domain.popularity.recency import AGE_DECAY
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.marked_rows import GoneRows
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored
from streamrec.domain.similarity.neighbour_table import NOBODY, NeighbourTable
from streamrec.errors import UnfitState

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class CoVisitationRules:
    """Rules by which visits become neighbours.

    Attributes
    ----------
    n_kept
        Neighbours kept for an item at most, a multiple of 8.
    distance_decay
        Share of its weight that a pair keeps for each item between the two in the user's history. .9 finds
        the next item more often than .8 or .95 do.
    shrinkage
        Added to what a pair's count is divided by: pairs seen once or twice prove little.
    half_life_s
        After so many seconds of stream time counts are worth half; None: they never fade.
    """

    n_kept: int = 128
    distance_decay: float = 0.9
    shrinkage: float = 10.0
    half_life_s: float | None = None


class Nearest(NamedTuple):
    """Neighbours of R items, best first.

    Attributes
    ----------
    rows
        (R, k) item rows, -1 where there are no more.
    similarities
        (R, k).
    supports
        (R, k), the pairs' faded counts: what the similarity stands on.
    follows
        (R, k), similarities by those counts alone where the neighbour was chosen after the item.
    """

    rows: Rows
    similarities: NDArray[np.float64]
    supports: NDArray[np.float64]
    follows: NDArray[np.float64]


class CoVisitation(StatePart):
    """Counts of items that the same users chose one after the other.

    An event of item i after a history h_0, h_1, ... (newest first) adds w * decay^d to the count C of the
    pair (i, h_d), in both directions, and w to n_i. Two items are as similar as
    C_ij / (sqrt(n_i n_j) + shrinkage): the cosine of item-item filtering (Sarwar, Karypis, Konstan, Riedl
    2001, Item-based collaborative filtering, section 3.1; Linden, Smith, York 2003, Amazon.com
    recommendations), shrunk as in Bell and Koren (2007, Scalable collaborative filtering, section 4.1).
    A user's items are scored by the sum over the history.

    Counts fade (`FadingScale`) and are bounded (`NeighbourTable`); an event that comes late counts as much as
    it would count now had it come in time.

    >>> visits = CoVisitation(CoVisitationRules(shrinkage=0.0))
    >>> visits.add(np.array([0, 1]), np.array([[-1], [0]]), np.zeros(2), np.ones(2)).tolist()
    [0, 1]
    >>> nearest = visits.neighbours(np.array([0]), k=1)
    >>> nearest.rows.tolist(), nearest.similarities.tolist(), nearest.supports.tolist()
    ([[1]], [[1.0]], [[1.0]])
    """

    def __init__(self, rules: CoVisitationRules) -> None:
        self._rules = rules
        self._table = NeighbourTable(rules.n_kept)
        self._counts = np.zeros(0)
        self._scale = FadingScale(rules.half_life_s, OF_FLOATS)

    @property
    def n_items(self) -> int:
        """Items that there is room for; those beyond have no neighbours."""
        return len(self._counts)

    @property
    def n_kept(self) -> int:
        """Neighbours of an item at most."""
        return self._rules.n_kept

    def observe(self, events: ObservedEvents) -> Rows:
        """Count what was chosen after what; return the item rows whose neighbours changed."""
        chosen = events.choices
        return self.add(chosen.item_rows, chosen.histories, chosen.times, chosen.counted, chosen.is_again)

    def add(
        self,
        item_rows: Rows,
        histories: Rows,
        timestamps: NDArray[np.float64],
        weights: NDArray[np.floating],
        is_again: NDArray[np.bool_] | None = None,
    ) -> Rows:
        """Count B events, each after its user's history.

        Only the first time: who comes back to an item says nothing of what they will find next.

        Parameters
        ----------
        item_rows
            (B,).
        histories
            (B, H) what the user chose before, newest first, each item once and the event's own not at all;
            -1 where there is none.
        timestamps
            (B,) seconds of stream time, in any order.
        weights
            (B,), positive.
        is_again
            (B,) which are of items that their users chose lately, too; None: none of them.

        Returns
        -------
        changed
            Distinct item rows whose neighbours changed, ascending.
        """
        if is_again is not None and is_again.any():
            item_rows, histories = item_rows[~is_again], histories[~is_again]
            timestamps, weights = timestamps[~is_again], weights[~is_again]
        if not len(item_rows):
            return np.zeros(0, np.int64)
        self._grow_to(int(max(item_rows.max(), histories.max(initial=NOBODY))) + 1)
        gains = self._gains(timestamps, weights)
        np.add.at(self._counts, item_rows, gains)
        events, distances = np.nonzero(histories >= 0)
        ones, others = item_rows[events], histories[events, distances].astype(np.int64)
        by_distance = self._rules.distance_decay ** np.arange(histories.shape[1])
        of_pairs = gains[events] * by_distance[distances]
        there, back = np.concatenate([ones, others]), np.concatenate([others, ones])
        # What was chosen before is a neighbour too, but one that does not follow.
        is_after = np.repeat(np.array([False, True]), len(ones))
        self._table.add(there, back, np.concatenate([of_pairs, of_pairs]), is_after)
        is_changed = np.zeros(self.n_items, np.bool_)
        is_changed[ones] = is_changed[others] = True
        return np.flatnonzero(is_changed)

    def neighbours(self, rows: Rows, k: int) -> Nearest:
        """Return up to `k` neighbours of each of (R,) items."""
        similar = self._similar(rows)
        k = min(k, similar.rows.shape[1])
        best = np.argpartition(-similar.similarities, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(similar.similarities, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        return Nearest(
            np.take_along_axis(similar.rows, best, axis=1),
            np.take_along_axis(similar.similarities, best, axis=1),
            np.take_along_axis(similar.supports, best, axis=1),
            np.take_along_axis(similar.follows, best, axis=1),
        )

    def scores(self, history: Rows, n_items: int) -> NDArray[np.float64]:
        """Return (n_items,) the sum of similarities to (H,) items, newest first, older ones counting less."""
        ids, similarities, *_ = self._similar(history)
        similarities = similarities * (AGE_DECAY ** np.arange(len(history)))[:, None]
        is_there = (ids >= 0) & (ids < n_items)
        scores = np.zeros(n_items)
        np.add.at(scores, ids[is_there], similarities[is_there])
        return scores

    def naming(self, item_rows: Rows) -> Rows:
        """Return the rows that have any of these among their neighbours."""
        return self._table.naming(item_rows)

    def forget_items(self, rows: Rows) -> Rows:
        """Remove items; return their own rows, ascending."""
        self._counts[rows[rows < self.n_items]] = 0
        return self._table.forget(rows)

    @property
    def swept(self) -> list[GoneRows]:
        """Items that may stand as neighbours still."""
        return [self._table.gone]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state, for a checkpoint."""
        return {
            **self._scale.arrays(),
            "counts": self._counts,
            **self._table.arrays(),
        }

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned."""
        counts = stored(arrays, "counts", np.float64, None)
        n_neighbours = stored(arrays, "n_neighbours", np.int64, None)
        if len(n_neighbours) < len(counts):
            raise UnfitState(f"of {len(counts)} items {len(n_neighbours)} have neighbours")
        table = NeighbourTable(self._rules.n_kept)
        table.load_arrays(arrays)
        factor = self._scale.load_arrays(arrays)
        table.scale(factor)
        self._counts, self._table = counts * factor, table

    def _similar(self, rows: Rows) -> Nearest:
        """Return (R, M) neighbours in no order."""
        is_known = (rows >= 0) & (rows < self.n_items)
        known = np.where(is_known, rows, 0)
        if not self.n_items:
            nothing = np.zeros((len(rows), self._rules.n_kept))
            return Nearest(np.full(nothing.shape, NOBODY), nothing, nothing, nothing)
        table_ids, weights, following = self._table.of(known)
        scale = self._scale.worth_now()
        after = following.astype(np.float64) * scale
        supports = np.where(is_known[:, None], weights.astype(np.float64) * scale, 0.0)
        ids = np.where(supports > 0, table_ids.astype(np.int64), NOBODY)
        roots = np.sqrt(self._counts * scale)
        expected = roots[known][:, None] * roots[ids] + self._rules.shrinkage
        shares = np.divide(1.0, expected, out=np.zeros_like(supports), where=expected > 0)
        return Nearest(ids, supports * shares, supports, after * shares)

    def _grow_to(self, n_items: int) -> None:
        self._counts = grown(self._counts, n_items)
        self._table.grow_to(len(self._counts))

    def _gains(self, timestamps: NDArray[np.float64], weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (B,) what the events count as seen from the origin."""
        factor = self._scale.reach(float(timestamps.max()))
        if factor != 1.0:
            self._counts *= factor
            self._table.scale(factor)
        return self._scale.seen_from_origin(weights, timestamps)
