"""Options of finding neighbours."""

import math

import msgspec

from lab.matrices.cells import CellRules, Csr
from lab.matrices.sparse_similarity import Measure, SparseSimilarity
from streamrec.errors import InvalidInput


class NeighbourOptions(msgspec.Struct, frozen=True):
    """Options of comparing rows of users or of items.

    Attributes
    ----------
    cells
        Counts or mean values, and which events count.
    measure
        ``cosine`` or ``euclidean``; see `SparseSimilarity`.
    shrinkage
        Shared cells after which a similarity counts half.
    n_neighbours
        Neighbours that vote in a recommendation.
    """

    cells: CellRules = CellRules()
    measure: Measure = "cosine"
    shrinkage: float = 10.0
    n_neighbours: int = 50

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        if not (math.isfinite(self.shrinkage) and self.shrinkage >= 0):
            raise InvalidInput(f"shrinkage is {self.shrinkage}; wanted a number from 0")
        check_n_neighbours(self.n_neighbours)

    def similarity(self, rows: Csr) -> SparseSimilarity:
        """Return the similarity of the rows of a matrix."""
        return SparseSimilarity(
            rows, self.measure, self.shrinkage, is_missing_aware=self.cells.is_missing_aware
        )


def check_n_neighbours(n_neighbours: int) -> None:
    """Refuse a number of neighbours below 1.

    Raises
    ------
    InvalidInput
        When it is.
    """
    if n_neighbours < 1:
        raise InvalidInput(f"n_neighbours is {n_neighbours}; wanted at least 1")


def check_decomposition(n_dims: int, seed: int) -> None:
    """Refuse fewer directions than 1, and a seed below 0.

    Raises
    ------
    InvalidInput
        When it is so.
    """
    if n_dims < 1 or seed < 0:
        raise InvalidInput(f"n_dims is {n_dims}, seed {seed}; wanted at least 1 and 0")
