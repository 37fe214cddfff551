"""Votes of neighbours for items, and the list that they add up to for a user."""

import numpy as np
from numpy.typing import NDArray

from lab.matrices.similarity import Nearest, best_of_each
from lab.matrices.user_items import UserItems
from lab.models.batch_model import Scored


class Votes:
    """Votes for each of I items so far: their sum, and their number."""

    def __init__(self, n_items: int) -> None:
        self._totals: NDArray[np.float64] = np.zeros(n_items)
        self._supports: NDArray[np.int64] = np.zeros(n_items, np.int64)

    def from_similar_items(self, own: Nearest, amount: float) -> None:
        """Add votes of one of the user's items for items similar to it, weighted by the user's choice of it.

        Deshpande and Karypis 2004, Item-based top-N recommendation algorithms, section 4.2.
        """
        self._totals[own.rows] += amount * own.scores
        self._supports[own.rows] += 1

    def from_similar_users(self, neighbours: Nearest, matrix: UserItems) -> None:
        """Add the votes of users for their items, weighted by the similarity of these users."""
        theirs = matrix.cells[neighbours.rows]
        self._totals += theirs.T @ neighbours.scores
        self._supports += np.bincount(theirs.indices, minlength=len(self._supports))

    def best(self, matrix: UserItems, user_row: int, k: int, *, exclude_seen: bool) -> list[Scored]:
        """Return the items with the highest totals above 0, without hidden ones and the user's dislikes."""
        totals = np.where(matrix.is_hidden, 0.0, self._totals)
        totals[matrix.disliked[[user_row]].indices] = 0
        if exclude_seen:
            totals[matrix.seen[[user_row]].indices] = 0
        (found,) = best_of_each(totals[None, :], k)
        ids = matrix.items.ids_at(found.rows.tolist())
        return list(map(Scored, ids, found.scores.tolist(), self._supports[found.rows].tolist()))
