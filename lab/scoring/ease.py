"""EASE: a linear model of all items by all items, in closed form."""

from typing import ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from lab.matrices.cells import CellRules, Csr, pattern_of
from lab.models.contents import Contents, user_items_contents
from lab.scoring.scoring_model import History, Rows, Scores, ScoringModel
from streamrec.errors import CorruptArtifact, InvalidInput, UnsoundModel


class EaseOptions(msgspec.Struct, frozen=True):
    """Options of EASE.

    Attributes
    ----------
    regularization
        Added to the number of users of each item.
    max_items
        Only so many items, the most chosen, are weighed against each other: the matrix takes 4 bytes a pair,
        and the time grows with the third power. The others are never offered.
    """

    cells: CellRules = CellRules()
    regularization: float = 250.0
    max_items: int = 12_000

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        if not self.regularization > 0 or self.max_items < 1:
            raise InvalidInput(
                f"regularization is {self.regularization}, max_items {self.max_items};"
                " wanted more than 0, and at least 1"
            )


class Ease(ScoringModel):
    """The weights of items for each other that predict users' items from their other items.

    Steck 2019, Embarrassingly shallow autoencoders for sparse data, section 3.1: with P the inverse of
    ``X'X + r I``, the weights are ``-P_ij / P_jj`` and 0 on the diagonal.
    """

    kind: ClassVar[str] = "ease"

    def __init__(self, options: EaseOptions) -> None:
        self._options, self._rules = options, options.cells
        self.fit(())

    def learn(self, history: History) -> None:
        """Learn a history."""
        matrix = history.matrix
        n_users_of = np.bincount(matrix.seen.indices, minlength=len(matrix.items))
        kept = np.argsort(-n_users_of, kind="stable")[: self._options.max_items]
        kept = np.sort(kept[n_users_of[kept] > 0])
        self.matrix, self._kept = matrix, kept
        self._weights = _weights(pattern_of(matrix.seen)[:, kept], self._options.regularization)

    def scores(self, rows: Rows) -> Scores:
        """Return (B, I) sums of the weights of the user's items."""
        found = np.zeros((len(rows), len(self.matrix.items)), np.float32)
        own = pattern_of(self.matrix.seen[rows])[:, self._kept].astype(np.float32)
        found[:, self._kept] = own @ self._weights
        return found

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        own = user_items_contents(self._options, self.matrix)
        return Contents(own.options, own.ids, {**own.arrays, "weights": self._weights, "kept": self._kept})

    @classmethod
    def restored(cls, contents: Contents) -> "Ease":
        """Return the model that a file holds."""
        model = cls(contents.options_as(EaseOptions))
        matrix = contents.user_items()
        kept = contents.arrays.get("kept")
        if kept is None or kept.dtype != np.int64 or kept.ndim != 1:
            raise CorruptArtifact("kept: wanted columns of items")
        if len(kept) and not (kept.min() >= 0 and kept.max() < len(matrix.items)):
            raise CorruptArtifact("kept: names an item that there is not")
        weights = contents.array("weights", len(kept))
        if weights.shape[1] != len(kept):
            raise CorruptArtifact("weights: wanted as many columns as rows")
        model.matrix, model._kept, model._weights = matrix, kept, weights
        return model


def _weights(chosen: Csr, regularization: float) -> NDArray[np.float32]:
    """Return (K, K) weights for (U, K) ones where a user chose an item; computed in place of one matrix."""
    n_items = chosen.shape[1]
    if not n_items:
        return np.zeros((0, 0), np.float32)
    gram = np.asfortranarray((chosen.T @ chosen).astype(np.float32).toarray())
    gram[np.diag_indices(n_items)] += np.float32(regularization)
    # By Cholesky's factor: a third of the work of a general inverse.
    factor, failed = lapack.spotrf(gram, lower=1, overwrite_a=1, clean=0)
    inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise UnsoundModel("EASE: the matrix of items has no inverse; raise the regularization")
    inverse = _mirrored(inverse)
    diagonal = inverse.diagonal().copy()
    inverse /= -diagonal[None, :]
    inverse[np.diag_indices(n_items)] = 0
    return np.ascontiguousarray(inverse)


def _mirrored(lower: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a matrix whose upper part is its lower part mirrored, in place, a block of columns at a time."""
    n, size = len(lower), 1024
    for first in range(0, n, size):
        last = min(first + size, n)
        lower[first:last, last:] = lower[last:, first:last].T
        block = np.tril(lower[first:last, first:last])
        lower[first:last, first:last] = block + np.tril(block, -1).T
    return lower
