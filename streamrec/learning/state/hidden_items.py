"""Items that are learned of and not offered: they leave the index, the rankings and others' neighbours."""

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from streamrec.learning.state.trainer_state import TrainerState


def follow(state: TrainerState, item_ids: Iterable[str], hidden: Collection[str], now: float) -> list[str]:
    """Take over which of these items are hidden now; return known ones that were not before.

    Whoever names an item that changed is published again, and so is the vector of one that is shown.

    Parameters
    ----------
    hidden
        Ids of all that are hidden.
    now
        Unix seconds, from when on what changed counts as waiting.
    """
    item_ids = list(item_ids)
    # Of those shown before, too: a crash may have come between what took one out and its checkpoint.
    shown = _known(state, [item_id for item_id in item_ids if item_id not in hidden])
    state.dirty_items.mark(shown, now, go_first=True)
    changed = [item_id for item_id in item_ids if (item_id in hidden) != (item_id in state.hidden_items)]
    if not changed:
        return []
    newly_hidden = [item_id for item_id in changed if item_id in hidden and item_id in state.item_ids]
    state.hidden_items.symmetric_difference_update(changed)
    rows = _known(state, changed)
    for counted in (state.covisitation, state.same_day):
        # Those that name it have waited longest of all.
        state.dirty_neighbours.mark(counted.naming(rows), now=0.0)
    return newly_hidden


def are_hidden(state: TrainerState) -> NDArray[np.bool_]:
    """Return (N,) which of the item rows are of hidden items."""
    is_hidden = np.zeros(state.item_ids.n_rows, np.bool_)
    is_hidden[_known(state, list(state.hidden_items))] = True
    return is_hidden


def _known(state: TrainerState, item_ids: list[str]) -> NDArray[np.int64]:
    rows = state.item_ids.rows_of(item_ids)
    return rows[rows >= 0]
