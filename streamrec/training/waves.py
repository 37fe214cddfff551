"""How the events of a batch are ordered into steps that keep each user's order."""

from collections.abc import Iterator

import numpy as np

from streamrec.training.sampling import Rows, occurrence_numbers

_MAX_STEPS_OF_USER = 32
"""A user's events of one batch are learned one after the other, as in a calm stream, in so many steps at
most; where one user floods a batch, several share a step and count by their mean."""


def waves(user_rows: Rows, step_events: int) -> Iterator[tuple[Rows, bool]]:
    """Yield positions of B events, a user's in different waves and in order, and whether that could be.

    >>> [at.tolist() for at, _ in waves(np.array([5, 6, 5]), step_events=10)]
    [[0, 1], [2]]
    """
    if len(user_rows) <= 1:
        yield from [(np.zeros(1, np.int64), True)] * len(user_rows)
        return
    turns = occurrence_numbers(user_rows)
    # A flood is cut into runs of equal length, so the order of a user's events survives.
    run_length = 1 + int(turns.max()) // _MAX_STEPS_OF_USER
    turns //= run_length
    order = np.argsort(turns, kind="stable")
    ends = np.cumsum(np.bincount(turns)).tolist()
    for start, end in zip([0, *ends], ends, strict=False):
        for first in range(start, end, step_events):
            yield order[first : min(first + step_events, end)], run_length == 1


def newest_rounds(user_rows: Rows, n: int) -> Iterator[Rows]:
    """Yield positions of each user's newest `n` of B events, a user's in different rounds and in order.

    >>> [at.tolist() for at in newest_rounds(np.array([5, 6, 5, 5]), n=2)]
    [[2], [1, 3]]
    """
    n_later = occurrence_numbers(user_rows[::-1])[::-1]
    for turn in range(n - 1, -1, -1):
        yield np.flatnonzero(n_later == turn)
