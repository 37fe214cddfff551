"""SLIT: session-aware linear item transitions (Choi et al. 2021, Session-aware linear item-item models).

Section 3.3: for every event of a user, what was chosen until then is to give what was chosen next, both with
weights that fall with the distance; a ridge regression, solved in closed form and solved again every
`REFIT_EVERY` events.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix

from benchmarks.quality.peers.peer import Histories, RefittedPeer
from streamrec.domain.ranking.metrics import best_rows
from streamrec.domain.ranking.prequential import Events, Rows

REFIT_EVERY = 5_000

RIDGE = 10.0

DECAY = 4.0
"""Positions after which an item counts a share of 1/e."""

N_AROUND = 16
"""Items before and after an event that count at all: beyond four decays there is nothing left."""

HALF_LIFE_EVENTS = 20_000.0
"""Of an event's weight in the fit; the paper's timeliness of sessions, in events."""

MAX_ITEMS = 3_000
"""Most chosen items, which are all that it knows: the matrix is dense, its inverse cubic."""


class Slit(RefittedPeer):
    """Item transitions; a `ListRanker`."""

    def __init__(self, history: Events, refit_every: int = REFIT_EVERY) -> None:
        self._items = np.zeros(0, np.int64)
        self._column = np.zeros(0, np.int64)
        self._transitions = np.zeros((0, 0), np.float32)
        super().__init__(history, refit_every)

    def _fit(self, histories: Histories) -> None:
        sequences = histories.all()
        counts = np.bincount(np.concatenate(sequences), minlength=histories.n_items)
        self._items = np.sort(np.argsort(-counts, kind="stable")[:MAX_ITEMS])
        self._column = np.full(histories.n_items, -1)
        self._column[self._items] = np.arange(len(self._items))
        sequences = [self._column[sequence] for sequence in sequences]
        ages = [histories.n_events - times for times in histories.times()]
        # The square root on both sides makes a weight of the squared error.
        of_rows = np.exp2(-np.concatenate(ages) / HALF_LIFE_EVENTS / 2)
        before, after = (self._weighted(sequences, of_rows, is_after) for is_after in (False, True))
        gram = (before.T @ before).toarray()
        gram[np.diag_indices_from(gram)] += RIDGE
        self._transitions = cho_solve(
            cho_factor(gram, overwrite_a=True), (before.T @ after).toarray(), overwrite_b=True
        )

    def _best(self, own: Rows, k: int) -> Rows:
        columns = np.where(own < len(self._column), self._column[np.minimum(own, len(self._column) - 1)], -1)
        weights = _decayed(np.arange(len(own))[::-1])
        is_known = columns >= 0
        if not is_known.any():
            return np.zeros(0, np.int64)
        scores = weights[is_known].astype(np.float32) @ self._transitions[columns[is_known]]
        return self._items[best_rows(scores, columns[is_known], k)]

    def _weighted(self, sequences: list[Rows], of_rows: NDArray[np.float64], is_after: bool) -> csr_matrix:
        """Return (N, I) what was chosen until, or after, each of N events, one event a row."""
        rows, columns, weights = (
            np.concatenate(parts) for parts in zip(*_around(sequences, is_after), strict=True)
        )
        is_known = columns >= 0
        values = (weights * of_rows[rows])[is_known].astype(np.float32)
        shape = (len(of_rows), len(self._items))
        return csr_matrix((values, (rows[is_known], columns[is_known])), shape=shape)


def _around(sequences: list[Rows], is_after: bool) -> Iterator[tuple[Rows, Rows, NDArray[np.float64]]]:
    """Yield for each distance the rows of events, the columns found that far away, and their weights."""
    columns = np.concatenate(sequences)
    people = np.repeat(np.arange(len(sequences)), [len(sequence) for sequence in sequences])
    rows = np.arange(len(columns))
    for distance in range(N_AROUND):
        others = rows + 1 + distance if is_after else rows - distance
        is_within = (others >= 0) & (others < len(rows))
        is_within[is_within] = people[others[is_within]] == people[is_within]
        found = others[is_within]
        yield rows[is_within], columns[found], np.full(len(found), _decayed(np.array(distance)))


def _decayed(distances: NDArray[np.int64]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.exp(-distances / DECAY)
    return weights
