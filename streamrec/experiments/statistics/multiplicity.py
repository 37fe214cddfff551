"""Several tests at once: p-values raised, so that a false alarm among all of them is as rare as wanted."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamrec.errors import InvalidInput


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return (T,) p-values adjusted step by step (Holm 1979, A simple sequentially rejective procedure).

    Raises
    ------
    InvalidInput
        When one is no probability.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(p_values, np.float64)
    if not ((given >= 0) & (given <= 1)).all():
        raise InvalidInput(f"p-values {given.tolist()}: wanted numbers from 0 to 1")
    order = np.argsort(given, kind="stable")
    factors = np.arange(len(given), 0, -1)
    adjusted = np.empty(len(given))
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return adjusted
