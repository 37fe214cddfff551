"""Start of an item that the model has not learned yet: near the items with similar metadata."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.content_index import ContentIndex
from streamrec.domain.items.item import Item
from streamrec.learning.state.trainer_state import TrainerState


def rows_with_starts(
    state: TrainerState, item_ids: Sequence[str], contents: ContentIndex
) -> NDArray[np.int64]:
    """Return (B,) item rows; a new item with metadata starts at the mean of its neighbours."""
    unknown = [item_id for item_id in dict.fromkeys(item_ids) if item_id not in state.item_ids]
    # Neighbours first, rows second: a newcomer of the same batch has learned nothing to start from.
    neighbours = [_known_rows(state, contents.neighbours(item_id)) for item_id in unknown]
    for item_id, neighbour_rows in zip(unknown, neighbours, strict=True):
        row = state.item_ids.add(item_id)
        if neighbour_rows:
            state.learner.start_item(row, np.array(neighbour_rows, np.int64))
    return state.item_ids.rows_of(item_ids)


def enter_silently(state: TrainerState, item: Item, contents: ContentIndex, now: float) -> None:
    """Give an item that nobody chose yet a row, so that it can be found at all.

    Without effect for an item that has one, that is hidden, or that is like nothing known; and when too many
    items are silent already: it enters with its first event then.

    Parameters
    ----------
    now
        Unix seconds, from when on its vector counts as waiting to be published.
    """
    if item.item_id in state.item_ids:
        # What was chosen before anything was known of it is found from now on.
        contents.follow(_chosen(state, [item.item_id]))
        return
    if item.is_hidden or state.new_items.n_silent >= state.max_silent_items:
        return
    neighbour_rows = _known_rows(state, contents.neighbours(item.item_id))
    if neighbour_rows:
        row = state.item_ids.add(item.item_id)
        state.learner.start_item(row, np.array(neighbour_rows, np.int64))
        state.new_items.enter(row, state.clock.now)
        state.touched.items.touch(np.array([row]))
        state.dirty_items.mark(np.array([row]), now)


def follow_chosen(state: TrainerState, contents: ContentIndex) -> None:
    """Let all items be found that were chosen, as when a state was restored or fitted."""
    contents.follow(_chosen(state, state.item_ids.living()))


def _chosen(state: TrainerState, item_ids: Sequence[str]) -> list[str]:
    """Return those of known items that somebody chose."""
    were_chosen = state.new_items.were_chosen(state.item_ids.rows_of(item_ids))
    return [item_id for item_id, was_chosen in zip(item_ids, were_chosen.tolist(), strict=True) if was_chosen]


def _known_rows(state: TrainerState, item_ids: Sequence[str]) -> list[int]:
    return [row for item_id in item_ids if (row := state.item_ids.row(item_id)) >= 0]
