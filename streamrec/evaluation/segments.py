"""Kinds of questions that are told apart: known and cold users, new items, repeats."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.prequential import Events, Rows
from streamrec.learning.sampling import occurrence_numbers

FIRST_EVENTS = 5
"""A user without history is cold at so many first events."""

FEW_EVENTS = 5
"""An item is new while it has had so many events or fewer."""


def segments(
    events: Events, start: int, positions: Rows, *, with_repeats: bool
) -> dict[str, NDArray[np.bool_]]:
    """Return which of (Q,) questions belong to which segment, by name.

    `known_users`
        The user has an event in the history, before `start`.
    `cold_users_first_events`
        The user's first event comes after the history, and this is the user's second to fifth: nobody can
        be asked about at the first one, when there is nothing to go by.
    `new_items`
        The target had at most five events before; those that had none, which no model can find, too.
    `repeat_targets`, `new_targets`
        With repeats only: whether the user had chosen the target before.

    Parameters
    ----------
    positions
        (Q,) the questions' positions among the events.

    >>> ones = np.ones(3)
    >>> stream = Events(np.array([0, 1, 1]), np.array([0, 0, 1]), ones, ones.astype(np.float32))
    >>> cold = segments(stream, 1, np.array([2]), with_repeats=False)["cold_users_first_events"]
    >>> cold.tolist()
    [True]
    """
    is_known = np.isin(events.user_rows, events.user_rows[:start])[positions]
    turns_of_user = occurrence_numbers(events.user_rows)[positions]
    found = {
        "known_users": is_known,
        "cold_users_first_events": ~is_known & (turns_of_user < FIRST_EVENTS),
        "new_items": n_earlier(events)[positions] <= FEW_EVENTS,
    }
    if with_repeats:
        is_repeat = _is_repeat(events)[positions]
        found |= {"repeat_targets": is_repeat, "new_targets": ~is_repeat}
    return found


def n_earlier(events: Events) -> Rows:
    """Return (N,) how many events of the same item came before each."""
    return occurrence_numbers(events.item_rows)


def _is_repeat(events: Events) -> NDArray[np.bool_]:
    """Return (N,) whether the same user chose the same item before."""
    n_items = int(events.item_rows.max(initial=0)) + 1
    found: NDArray[np.bool_] = occurrence_numbers(events.user_rows * n_items + events.item_rows) > 0
    return found
