"""Base of all models that score every item for a block of users at a time."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.matrices.cells import CellRules, Csr
from lab.matrices.similarity import best_of_each
from lab.matrices.user_items import Choices, UserItems, read_user_items
from lab.models.batch_model import BatchModel, Scored, known_row
from lab.models.contents import Contents
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]

BLOCK_CELLS = 1 << 22
"""Scores in memory at a time: 16 MB in float32."""

NO_ITEM = -1
"""Fills lists that are shorter than wanted."""


class History(NamedTuple):
    """A history as models learn it.

    Attributes
    ----------
    matrix
        U users and I items.
    choices
        The events of positive weight that the matrix is made of, in order of time.
    items
        The catalogue.
    rules
        By which events count.
    """

    matrix: UserItems
    choices: Choices
    items: Sequence[Item]
    rules: CellRules


class Lists(NamedTuple):
    """Lists of up to k items, best first.

    Attributes
    ----------
    columns
        (B, k) int64 columns of items, `NO_ITEM` behind the last one.
    scores
        (B, k) float32, 0 behind the last one.
    """

    columns: Rows
    scores: Scores


def history_of(interactions: Iterable[Interaction], items: Sequence[Item], rules: CellRules) -> History:
    """Return a history by row, users in order of their first event.

    Raises
    ------
    InvalidInput
        As `read_user_items`.
    """
    matrix, choices = read_user_items(interactions, items, rules)
    return History(matrix, choices, items, rules)


class ScoringModel(BatchModel):
    """A model that scores all items for a block of users at a time, exactly.

    Attributes
    ----------
    matrix
        The history that it was fitted on.
    """

    matrix: UserItems
    _rules: CellRules

    def fit(self, interactions: Iterable[Interaction], items: Sequence[Item] = ()) -> None:
        """Learn a history; see `BatchModel.fit`."""
        self.learn(history_of(interactions, items, self._rules))

    @abstractmethod
    def learn(self, history: History) -> None:
        """Learn a history that was read already, in place of all that was known."""

    @abstractmethod
    def scores(self, rows: Rows) -> Scores:
        """Return (B, I) scores of all items for each of B users, which the caller may change.

        Higher is better; 0 or less: there is no reason to offer the item.
        """

    def lists(self, rows: Rows, k: int, *, exclude_seen: bool = True) -> Lists:
        """Return the lists of B users, without hidden items and disliked ones, in bounded memory.

        Parameters
        ----------
        exclude_seen
            Whether to leave out what the users chose.
        """
        n_items = len(self.matrix.items)
        found = Lists(np.full((len(rows), k), NO_ITEM), np.zeros((len(rows), k), np.float32))
        for first in range(0, len(rows), block_size(n_items)):
            block = rows[first : first + block_size(n_items)]
            scores = self.offered(block, exclude_seen=exclude_seen)
            for line, best in enumerate(best_of_each(scores, k), first):
                found.columns[line, : len(best.rows)] = best.rows
                found.scores[line, : len(best.rows)] = best.scores
        return found

    def offered(self, rows: Rows, *, exclude_seen: bool) -> Scores:
        """Return `scores`, 0 for what is not to be offered; of who chose nothing, nothing is known."""
        scores = self.scores(rows)
        scores[np.diff(self.matrix.seen.indptr)[rows] == 0] = 0
        scores[:, self.matrix.is_hidden] = 0
        clear(scores, self.matrix.disliked, rows)
        if exclude_seen:
            clear(scores, self.matrix.seen, rows)
        return scores

    def recommend(self, user_id: str, k: int = 10, *, exclude_seen: bool = True) -> list[Scored]:
        """Return items for a user; support is in users that chose the item."""
        row = known_row(self.matrix.users, user_id, "user", k)
        found = self.lists(np.array([row]), k, exclude_seen=exclude_seen)
        columns = found.columns[0][found.columns[0] != NO_ITEM]
        supports = np.diff(self.matrix.seen.T.tocsr().indptr)[columns]
        ids = self.matrix.items.ids_at(columns.tolist())
        return list(map(Scored, ids, found.scores[0].tolist(), supports.tolist()))

    @classmethod
    @abstractmethod
    def restored(cls, contents: Contents) -> "ScoringModel":
        """Return the model that a file holds; see `BatchModel.restored`."""


def block_size(n_items: int) -> int:
    """Return how many users are scored at a time."""
    return max(1, BLOCK_CELLS // max(1, n_items))


def clear(scores: Scores, matrix: Csr, rows: Rows) -> None:
    """Set the scores of the stored cells of B rows of a (U, I) matrix to 0, in place."""
    lines, columns = cells_at(matrix, rows)
    scores[lines, columns] = 0


def cells_at(matrix: Csr, rows: Rows) -> tuple[Rows, Rows]:
    """Return lines (counted from the first of B rows) and columns of the stored cells of these rows."""
    part = matrix[rows]
    return np.repeat(np.arange(len(rows)), np.diff(part.indptr)), part.indices.astype(np.int64)


def blocks_of(rows: Rows, size: int) -> Iterator[Rows]:
    """Yield (B,) rows, so many at a time."""
    for first in range(0, len(rows), size):
        yield rows[first : first + size]
