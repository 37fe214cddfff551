"""Arrays with a row per id, which grow with the ids."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T", bound=np.generic)


def grown(table: NDArray[_T], n_rows: int, fill: float = 0) -> NDArray[_T]:
    """Return the table when it has at least `n_rows` rows, else a copy that is a tenth longer, or more.

    Parameters
    ----------
    table
        (N, ...).
    fill
        What the new rows hold.

    >>> grown(np.array([1, 2]), 2).tolist(), grown(np.array([1, 2]), 4).tolist()
    ([1, 2], [1, 2, 0, 0])
    """
    if n_rows <= len(table):
        return table
    longer = np.full((max(n_rows, len(table) * 11 // 10), *table.shape[1:]), fill, table.dtype)
    longer[: len(table)] = table
    return longer
