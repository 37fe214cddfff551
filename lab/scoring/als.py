"""Alternating least squares on implicit feedback, by the library `implicit`."""

from typing import ClassVar

import msgspec
import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from lab.matrices.cells import CellRules
from lab.matrices.user_items import UserItems
from lab.matrices.vector_similarity import VectorSimilarity
from lab.models.batch_model import Scored, known_row, most_similar
from lab.models.contents import Contents, user_items_contents
from lab.scoring.scoring_model import History, Rows, Scores, ScoringModel
from streamrec.errors import CorruptArtifact, InvalidInput


class AlsOptions(msgspec.Struct, frozen=True):
    """Options of factorization.

    Attributes
    ----------
    factors, iterations
        Dimensions of the vectors, and rounds over users and items.
    alpha
        A cell of weight w has the confidence ``1 + alpha w``, one without events 1.
    n_threads
        Threads of a round.
    """

    cells: CellRules = CellRules()
    factors: int = 64
    iterations: int = 20
    regularization: float = 0.05
    alpha: float = 10.0
    seed: int = 42
    n_threads: int = 2

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        if min(self.factors, self.iterations, self.n_threads) < 1:
            raise InvalidInput(
                f"factors is {self.factors}, iterations {self.iterations}, n_threads {self.n_threads};"
                " wanted at least 1 each"
            )
        if not (self.regularization >= 0 and self.alpha > 0):
            raise InvalidInput(
                f"regularization is {self.regularization}, alpha {self.alpha}; wanted 0 or more, and above 0"
            )


class AlsModel(ScoringModel):
    """User and item vectors whose products tell who chooses what.

    Hu, Koren, Volinsky 2008, Collaborative filtering for implicit feedback datasets, section 4; solved by
    three steps of conjugate gradients a row (Takacs, Pilaszy, Tikk 2011, Applications of the conjugate
    gradient method for implicit feedback collaborative filtering, section 3).
    """

    kind: ClassVar[str] = "als"

    def __init__(self, options: AlsOptions) -> None:
        self._options, self._rules = options, options.cells
        self.fit(())

    def learn(self, history: History) -> None:
        """Learn a history."""
        options, matrix = self._options, history.matrix
        users, items = (
            np.zeros((len(ids), options.factors), np.float32) for ids in (matrix.users, matrix.items)
        )
        if matrix.cells.nnz:
            # A row's matrices are small, and rows are shared among threads.
            with threadpool_limits(1, "blas"):
                als = AlternatingLeastSquares(
                    factors=options.factors,
                    regularization=options.regularization,
                    alpha=options.alpha,
                    iterations=options.iterations,
                    num_threads=options.n_threads,
                    random_state=options.seed,
                )
                als.fit(sparse.csr_matrix(matrix.cells, dtype=np.float32), show_progress=False)
            # Who has no cell keeps the random vector that the first round began with.
            users = als.user_factors * (np.diff(matrix.cells.indptr) > 0)[:, None]
            items = als.item_factors * (np.bincount(matrix.cells.indices, minlength=len(items)) > 0)[:, None]
        self._set(history.matrix, np.asarray(users, np.float32), np.asarray(items, np.float32))

    def scores(self, rows: Rows) -> Scores:
        """Return (B, I) inner products."""
        products: Scores = self._users[rows] @ self._items.T
        return products

    def similar_items(self, item_id: str, k: int = 10) -> list[Scored]:
        """Return items by the cosine of the vectors; support is in users that have both."""
        row = known_row(self.matrix.items, item_id, "item", k)
        return most_similar(
            VectorSimilarity(self._items, self.matrix.cells.T.tocsr()), self.matrix.items, row, k
        )

    def similar_users(self, user_id: str, k: int = 10) -> list[Scored]:
        """Return users by the cosine of the vectors; support is in items that both have."""
        row = known_row(self.matrix.users, user_id, "user", k)
        return most_similar(VectorSimilarity(self._users, self.matrix.cells), self.matrix.users, row, k)

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        own = user_items_contents(self._options, self.matrix)
        return Contents(own.options, own.ids, {**own.arrays, "users": self._users, "items": self._items})

    @classmethod
    def restored(cls, contents: Contents) -> "AlsModel":
        """Return the model that a file holds."""
        model = cls(contents.options_as(AlsOptions))
        matrix = contents.user_items()
        users, items = (
            contents.array("users", len(matrix.users)),
            contents.array("items", len(matrix.items)),
        )
        if users.shape[1] != items.shape[1]:
            raise CorruptArtifact("users and items have vectors of different lengths")
        model._set(matrix, users, items)
        return model

    def _set(self, matrix: UserItems, users: NDArray[np.float32], items: NDArray[np.float32]) -> None:
        self.matrix, self._users, self._items = matrix, users, items
