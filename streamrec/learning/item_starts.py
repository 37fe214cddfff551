"""Start of an item that the model has not learned yet: near the items with similar metadata."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.item import Item
from streamrec.learning.state.trainer_state import TrainerState

NeighboursOf = Callable[[str], Sequence[str]]
"""Items with metadata like an item's, nearest first."""


def rows_with_starts(
    state: TrainerState, item_ids: Sequence[str], neighbours_of: NeighboursOf
) -> NDArray[np.int64]:
    """Return (B,) item rows; a new item with metadata starts at the mean of its neighbours."""
    unknown = [item_id for item_id in dict.fromkeys(item_ids) if item_id not in state.item_ids]
    # Neighbours first, rows second: a newcomer of the same batch has learned nothing to start from.
    neighbours = [_known_rows(state, neighbours_of(item_id)) for item_id in unknown]
    for item_id, neighbour_rows in zip(unknown, neighbours, strict=True):
        row = state.item_ids.add(item_id)
        if neighbour_rows:
            state.learner.start_item(row, np.array(neighbour_rows, np.int64))
    return state.item_ids.rows_of(item_ids)


def enter_silently(state: TrainerState, item: Item, neighbours_of: NeighboursOf, now: float) -> None:
    """Give an item that nobody chose yet a row, so that it can be found at all.

    Without effect for an item that has one, that is hidden, or that is like nothing known; and when too many
    items are silent already: it enters with its first event then.

    Parameters
    ----------
    now
        Unix seconds, from when on its vector counts as waiting to be published.
    """
    if item.is_hidden or item.item_id in state.item_ids:
        return
    if state.new_items.n_silent >= state.max_silent_items:
        return
    neighbour_rows = _known_rows(state, neighbours_of(item.item_id))
    if neighbour_rows:
        row = state.item_ids.add(item.item_id)
        state.learner.start_item(row, np.array(neighbour_rows, np.int64))
        state.new_items.enter(row, state.clock.now)
        state.touched.items.touch(np.array([row]), state.counters.n_events)
        state.dirty_items.mark(np.array([row]), now)


def _known_rows(state: TrainerState, item_ids: Sequence[str]) -> list[int]:
    return [row for item_id in item_ids if (row := state.item_ids.row(item_id)) >= 0]
