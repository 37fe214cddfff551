"""Cells of a sparse matrix, and how they are made of events."""

import math
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from streamrec.domain.events.weights import EventWeights
from streamrec.errors import InvalidInput
from streamrec.settings.processes import TrainerSettings

Csr: TypeAlias = Any  # scipy brings no types: a `scipy.sparse.csr_array`

Cells = Literal["count", "mean_value"]

_LIKE_THE_PRODUCT: dict[str, float] = TrainerSettings.model_fields["event_weights"].default


class CellRules(msgspec.Struct, frozen=True):
    """Rules by which events become cells.

    Attributes
    ----------
    cells
        ``count``: the sum of the events' weights; a missing cell is a zero, since nothing happened.
        ``mean_value``: the mean of the values of events that have one; a missing cell is *not* a zero,
        since it is not known what it would have been.
    event_weights, default_event_weight
        Event type -> weight, by default the product's. 0: known, but not counted; negative: a dislike.

    >>> CellRules.only("view").weights().of("view"), CellRules.only("view").weights().of("interest")
    (1.0, 0.0)
    """

    cells: Cells = "count"
    event_weights: dict[str, float] = msgspec.field(default_factory=lambda: dict(_LIKE_THE_PRODUCT))
    default_event_weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse weights that are no numbers."""
        if not all(map(math.isfinite, (*self.event_weights.values(), self.default_event_weight))):
            raise InvalidInput(f"weights of events must be finite: {self.event_weights}")
        try:
            self.weights()
        except ValueError as error:
            raise InvalidInput(str(error)) from error

    @classmethod
    def only(cls, *types: str, cells: Cells = "count") -> "CellRules":
        """Return rules by which events of these types count, and no others."""
        return cls(cells, dict.fromkeys(types, 1.0), 0.0)

    @property
    def is_missing_aware(self) -> bool:
        """Whether a missing cell is unknown, not 0."""
        return self.cells == "mean_value"

    def weights(self) -> EventWeights:
        """Return the weights by type."""
        return EventWeights(self.event_weights, self.default_event_weight)


def cells_of(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    amounts: NDArray[np.float64],
    shape: tuple[int, int],
    how: Cells,
) -> Csr:
    """Return the (R, C) float64 matrix of N amounts, those of one cell summed up or averaged.

    A cell whose sum or mean is 0 is stored all the same: it is not a missing one.

    Parameters
    ----------
    rows, columns, amounts
        (N,) each; under ``mean_value`` an amount of NaN is left out.
    """
    if how == "mean_value":
        has_amount = ~np.isnan(amounts)
        rows, columns, amounts = rows[has_amount], columns[has_amount], amounts[has_amount]
    width = max(shape[1], 1)
    keys, cell_of, n_amounts = np.unique(rows * width + columns, return_inverse=True, return_counts=True)
    totals = np.bincount(cell_of, amounts, len(keys)).astype(np.float64)  # of nothing it makes integers
    if how == "mean_value":
        totals /= n_amounts
    return sparse.csr_array((totals, (keys // width, keys % width)), shape=shape)


def pattern_of(matrix: Csr) -> Csr:
    """Return a matrix that holds 1 where a cell is stored, be it a zero, in float64."""
    return _with_data(matrix, np.ones(matrix.nnz))


def squared(matrix: Csr) -> Csr:
    """Return a matrix of the same stored cells, squared."""
    return _with_data(matrix, matrix.data**2)


def n_common(pattern: Csr, row: int, others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (K,) in how many columns a row and each of K others have a cell.

    Parameters
    ----------
    pattern
        (R, C), as `pattern_of` makes it.
    """
    shared: NDArray[np.float64] = (pattern[others] @ pattern[[row]].T).toarray()[:, 0]
    return shared.astype(np.int64)


def _with_data(matrix: Csr, data: NDArray[np.float64]) -> Csr:
    return sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
