"""Running sums over the events before each event of a batch."""

import numpy as np
from numpy.typing import NDArray


def sums_before(rows: NDArray[np.int64], *amounts: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return, for each of (B,) events, what the events of its row before it add up to.

    Parameters
    ----------
    amounts
        (B,) each; there is a result for each.

    >>> sums_before(np.array([7, 3, 7, 7]), np.array([1.0, 5.0, 2.0, 3.0]))[0].tolist()
    [0.0, 0.0, 1.0, 3.0]
    """
    order = np.argsort(rows, kind="stable")
    turns = _turns(rows[order])
    sums = []
    for of_events in amounts:
        of_those = of_events[order]
        in_order = np.where(turns > 0, np.concatenate([[0.0], of_those[:-1]]), 0.0)
        # Twice as far back each time (Hillis and Steele 1986, Data parallel algorithms). A difference of two
        # sums over all rows would lose what is small beside another row's amounts.
        step, most = 1, int(turns.max(initial=0))
        while step <= most:
            in_order[step:] += np.where(turns[step:] >= step, in_order[:-step], 0.0)
            step *= 2
        of_rows = np.empty(len(rows))
        of_rows[order] = in_order
        sums.append(of_rows)
    return sums


def _turns(sorted_rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (B,) how many of the same row stand before each."""
    is_first = np.ones(len(sorted_rows), np.bool_)
    is_first[1:] = sorted_rows[1:] != sorted_rows[:-1]
    indices = np.arange(len(sorted_rows))
    turns: NDArray[np.int64] = indices - np.maximum.accumulate(np.where(is_first, indices, 0))
    return turns
