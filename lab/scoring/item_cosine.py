"""Item to item by cosine, a fixed number of neighbours each, by the library `implicit`."""

import warnings
from typing import ClassVar

import msgspec
import numpy as np
from implicit.nearest_neighbours import CosineRecommender
from implicit.utils import ParameterWarning
from scipy import sparse

from lab.matrices.cells import CellRules, Csr
from lab.models.batch_model import Scored, known_row
from lab.models.contents import Contents, csr_arrays, user_items_contents
from lab.models.neighbour_options import check_n_neighbours
from lab.scoring.scoring_model import History, Rows, Scores, ScoringModel


class ItemCosineOptions(msgspec.Struct, frozen=True):
    """Options of neighbours of items."""

    cells: CellRules = CellRules()
    n_neighbours: int = 50
    n_threads: int = 2

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        check_n_neighbours(self.n_neighbours)


class ItemCosine(ScoringModel):
    """Items like those of the user, by the cosine of their columns.

    Sarwar, Karypis, Konstan, Riedl 2001, Item-based collaborative filtering recommendation algorithms,
    section 3.1. Unlike `lab.models.item_neighbours`, all neighbours are found at once and without shrinkage.

    >>> from streamrec.domain.events.interaction import Interaction
    >>> model = ItemCosine(ItemCosineOptions())
    >>> model.fit([Interaction(u, i, 0.0) for u, i in (("u", "a"), ("u", "b"), ("v", "b"), ("v", "c"))])
    >>> [(item.id, round(item.score, 3), item.support) for item in model.recommend("u")]
    [('c', 0.707, 1)]
    """

    kind: ClassVar[str] = "item_cf"

    def __init__(self, options: ItemCosineOptions) -> None:
        self._options, self._rules = options, options.cells
        self.fit(())

    def learn(self, history: History) -> None:
        """Learn a history."""
        matrix, n_items = history.matrix, len(history.matrix.items)
        neighbours = sparse.csr_array((n_items, n_items))
        if matrix.cells.nnz:
            # Each item is its own nearest neighbour, and one more is asked for to make up for it.
            cosine = CosineRecommender(K=self._options.n_neighbours + 1, num_threads=self._options.n_threads)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ParameterWarning)  # of a conversion that it makes itself
                cosine.fit(sparse.csr_matrix(matrix.cells, dtype=np.float64), show_progress=False)
            neighbours = sparse.csr_array(cosine.similarity)
            neighbours.setdiag(0)
            neighbours.eliminate_zeros()
            neighbours = _best_of_rows(neighbours, self._options.n_neighbours)
        self.matrix, self._neighbours = matrix, neighbours

    def scores(self, rows: Rows) -> Scores:
        """Return (B, I) sums of similarities to the user's items, weighted by their cells."""
        found: Scores = (self.matrix.cells[rows] @ self._neighbours).toarray().astype(np.float32)
        return found

    def similar_items(self, item_id: str, k: int = 10) -> list[Scored]:
        """Return the nearest items; support is in users that have both."""
        row = known_row(self.matrix.items, item_id, "item", k)
        own = self._neighbours[[row]]
        order = np.argsort(-own.data, kind="stable")[:k]
        columns = own.indices[order]
        of_items = self.matrix.seen.T.tocsr()
        shared = [
            len(np.intersect1d(of_items[[row]].indices, of_items[[column]].indices)) for column in columns
        ]
        ids = self.matrix.items.ids_at(columns.tolist())
        return list(map(Scored, ids, np.minimum(own.data[order], 1.0).tolist(), shared))

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        own = user_items_contents(self._options, self.matrix)
        return Contents(own.options, own.ids, {**own.arrays, **csr_arrays("neighbours", self._neighbours)})

    @classmethod
    def restored(cls, contents: Contents) -> "ItemCosine":
        """Return the model that a file holds."""
        model = cls(contents.options_as(ItemCosineOptions))
        matrix = contents.user_items()
        n_items = len(matrix.items)
        model.matrix, model._neighbours = matrix, contents.csr("neighbours", (n_items, n_items))
        return model


def _best_of_rows(matrix: Csr, k: int) -> Csr:
    """Return a matrix with at most the k highest cells of each row, in order of columns."""
    lines = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, lines))
    ranks = np.arange(len(order)) - matrix.indptr[lines[order]]
    kept = np.sort(order[ranks < k])
    return sparse.csr_array((matrix.data[kept], (lines[kept], matrix.indices[kept])), shape=matrix.shape)
