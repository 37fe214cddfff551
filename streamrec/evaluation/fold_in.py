"""User vectors in closed form, from the rows of the items that a user chose last.

Hu, Koren, Volinsky 2008, Collaborative Filtering for Implicit Feedback Datasets, section 4: with the items
fixed, the user's best vector is the solution of D linear equations. No user row takes part: somebody with one
event has a vector, and one who was away for a year has it from what was chosen then.
"""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.prequential import Events, padded
from streamrec.learning.learner import Learner
from streamrec.learning.sampling import Rows

_N_ITEMS = 20
"""Last items of a user that are solved for; the oldest weighs a hundredth of the newest."""

_FADING = 0.8
"""An item weighs so much of the one after it."""

_CONFIDENCE = 10.0
"""That the newest item was meant, beside one that was not chosen: more drowns what sets items apart."""

_REGULARIZATION = 30.0

_SCALE = 10.0
"""From a solution, whose products with chosen items approach one, to logits beside the items' biases."""

_EVENTS_BETWEEN_GRAMS = 1000
"""Items move little in so many events, and summing the products of all is work for each of them."""


def folded_in(items: NDArray[np.float32], gram: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (D,) solution ``(G + Q_S' C Q_S + r I)^-1 Q_S' (C + W) 1`` of a user.

    Parameters
    ----------
    items
        (S, D) rows q of the user's last items, the newest last; without any, the solution is zero.
    gram
        (D, D) G, the sum of all items' outer products.
    """
    fading = _FADING ** np.arange(len(items) - 1, -1, -1, dtype=np.float32)  # (S,)
    weighted = items * fading[:, None]
    system = gram + _CONFIDENCE * (weighted.T @ items)
    system[np.diag_indices_from(system)] += _REGULARIZATION
    wanted = (1 + _CONFIDENCE) * weighted.sum(axis=0)
    solution: NDArray[np.float32] = np.linalg.solve(system, wanted)
    return solution


class FoldInRanker:
    """A `Ranker` of a learner's items for users who are folded in, whether the learner knows them or not."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._gram = np.zeros((0, 0), np.float32)
        self._n_learned = 0
        self._sum_up()

    def scores(self, user_row: int, n_items: int, at: float | None = None) -> NDArray[np.floating]:
        """Return (n_items,) logits; of a user without events, the items' biases."""
        table = self._items()[:n_items]
        return padded(table[:, :-1] @ self.vector(user_row) + table[:, -1], n_items)

    def vector(self, user_row: int) -> NDArray[np.float32]:
        """Return (D,), zero for a user without events."""
        last: Rows = self._learner.recent_items(np.array([user_row]), _N_ITEMS)[0]
        return np.float32(_SCALE) * folded_in(self._items()[last, :-1], self._gram)

    def learn(self, events: Events) -> None:
        """Learn B events; now and then the items are summed up anew."""
        self._learner.learn(events.user_rows, events.item_rows, events.weights, events.timestamps)
        self._n_learned += len(events.user_rows)
        if self._n_learned >= _EVENTS_BETWEEN_GRAMS:
            self._n_learned = 0
            self._sum_up()

    def _items(self) -> NDArray[np.float32]:
        items = self._learner.model.items
        table: NDArray[np.float32] = items.rows[: items.n_rows].numpy()
        return table

    def _sum_up(self) -> None:
        rows = self._items()[:, :-1]
        self._gram = rows.T @ rows
