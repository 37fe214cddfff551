"""Truncated SVD of users and items, and what the nearest users chose."""

from typing import ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lab.matrices.cells import CellRules
from lab.matrices.similarity import nearest
from lab.matrices.truncated_svd import truncated_svd
from lab.matrices.user_items import UserItems
from lab.matrices.vector_similarity import VectorSimilarity
from lab.models.batch_model import Scored, known_row, most_similar
from lab.models.contents import Contents, user_items_contents
from lab.models.neighbour_options import check_decomposition, check_n_neighbours
from lab.scoring.scoring_model import History, Rows, Scores, ScoringModel


class SvdOptions(msgspec.Struct, frozen=True):
    """Options of the decomposition; see `TagSvdOptions`."""

    cells: CellRules = CellRules()
    n_dims: int = 50
    n_neighbours: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        check_decomposition(self.n_dims, self.seed)
        check_n_neighbours(self.n_neighbours)


class SvdNeighbours(ScoringModel):
    """Votes of the nearest users, by the cosine of their strongest directions, weighted by it.

    Sarwar, Karypis, Konstan, Riedl 2000, Application of dimensionality reduction in recommender system,
    section 3.2.
    """

    kind: ClassVar[str] = "svd"

    def __init__(self, options: SvdOptions) -> None:
        self._options, self._rules = options, options.cells
        self.fit(())

    def learn(self, history: History) -> None:
        """Learn a history."""
        cells = history.matrix.cells
        self._set(history.matrix, truncated_svd(cells, self._options.n_dims, self._options.seed).rows)

    def scores(self, rows: Rows) -> Scores:
        """Return (B, I) sums of the neighbours' cells."""
        found = list(nearest(self._similarity, rows, self._options.n_neighbours))
        bounds = np.cumsum([0, *(len(one.rows) for one in found)])
        weights = np.concatenate([one.scores for one in found] or [np.zeros(0)])
        columns = np.concatenate([one.rows for one in found] or [np.zeros(0, np.int64)])
        votes = sparse.csr_array((weights, columns, bounds), shape=(len(rows), len(self.matrix.users)))
        scores: Scores = (votes @ self.matrix.cells).toarray().astype(np.float32)
        return scores

    def similar_users(self, user_id: str, k: int = 10) -> list[Scored]:
        """Return the nearest users; support is in items that both have."""
        row = known_row(self.matrix.users, user_id, "user", k)
        return most_similar(self._similarity, self.matrix.users, row, k)

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        own = user_items_contents(self._options, self.matrix)
        return Contents(own.options, own.ids, {**own.arrays, "users": self._users})

    @classmethod
    def restored(cls, contents: Contents) -> "SvdNeighbours":
        """Return the model that a file holds."""
        model = cls(contents.options_as(SvdOptions))
        matrix = contents.user_items()
        model._set(matrix, contents.array("users", len(matrix.users)))
        return model

    def _set(self, matrix: UserItems, users: NDArray[np.float32]) -> None:
        self.matrix, self._users = matrix, users
        self._similarity = VectorSimilarity(users, matrix.cells)
