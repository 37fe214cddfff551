"""Views of what goes with items: neighbours, and what each item adds to the vectors of who chose it."""

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from streamrec.learning.soundness import demand_sound
from streamrec.learning.state.hidden_items import are_hidden
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.user_similarity import rows_as_bytes
from streamrec.ports import Neighbours


def neighbours_of(state: TrainerState, rows: NDArray[np.int64], k: int) -> dict[str, Neighbours]:
    """Return up to `k` neighbours of each of the (B,) item rows that live, nearest first; no hidden ones."""
    if not len(rows):
        return {}
    nearest = state.covisitation.neighbours(rows, k)
    is_there = (nearest.rows >= 0) & ~are_hidden(state)[nearest.rows]
    # Six digits are more than a similarity means, and half as long to write as all of them.
    neighbour_ids = state.item_ids.ids_at(nearest.rows[is_there].tolist())
    similarities = nearest.similarities[is_there].round(6).tolist()
    supports = nearest.supports[is_there].round(3).tolist()
    follows = nearest.follows[is_there].round(6).tolist()
    ends = np.cumsum(is_there.sum(axis=1)).tolist()
    ids = [state.item_ids.id_at(row) for row in rows.tolist()]
    return {
        item_id: Neighbours(
            neighbour_ids[start:end], similarities[start:end], supports[start:end], follows[start:end]
        )
        for item_id, start, end in zip(ids, [0, *ends], ends, strict=False)
        if item_id is not None
    }


def published_neighbours(state: TrainerState, rows: NDArray[np.int64], k: int) -> dict[str, Neighbours]:
    """Return up to `k` neighbours by co-visitation, and as many by day, of the (B,) item rows that live.

    Beside them stands what the item adds to the vectors of who chose it.

    Raises
    ------
    UnsoundModel
        When a row that is published is not finite or beyond its bound.
    """
    near = neighbours_of(state, rows, k)
    past = past_of(state, rows)
    by_day = state.same_day.neighbours(rows, k)
    is_hidden = are_hidden(state)
    for row, neighbours, counts in zip(rows.tolist(), *by_day, strict=True):
        item_id = state.item_ids.id_at(row)
        is_there = (counts > 0) & ~is_hidden[neighbours]
        if item_id is None:
            continue
        near[item_id] = msgspec.structs.replace(
            near[item_id],
            same_day_ids=state.item_ids.ids_at(neighbours[is_there].tolist()),
            same_day_counts=counts[is_there].tolist(),
            generation=state.generation,
            past=past.get(row, b""),
        )
    return near


def past_of(state: TrainerState, rows: NDArray[np.int64]) -> dict[int, bytes]:
    """Return by row what some of the (B,) items add to user vectors: of those that the model knows.

    Raises
    ------
    UnsoundModel
        When a row is not finite or beyond its bound.
    """
    model = state.learner.model
    if not model.context.n:
        return {}
    rows = rows[rows < model.past.n_rows]
    demand_sound({"past.rows": model.past.rows[rows], "output": model.output})
    added = rows_as_bytes(model.past_vectors(torch.from_numpy(rows)).numpy())
    return dict(zip(rows.tolist(), added, strict=True))
