"""Views of the counted pairs for the hot cache."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.learning.state.hidden_items import are_hidden
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import Neighbours
from streamrec.publishing.views import neighbours_of


def published_neighbours(state: TrainerState, rows: NDArray[np.int64], k: int) -> dict[str, Neighbours]:
    """Return up to `k` neighbours by co-visitation, and as many by day, of the (B,) item rows that live."""
    near = neighbours_of(state, rows, k)
    by_day = state.same_day.neighbours(rows, k)
    is_hidden = are_hidden(state)
    for row, neighbours, counts in zip(rows.tolist(), *by_day, strict=True):
        item_id = state.item_ids.id_at(row)
        is_there = (counts > 0) & ~is_hidden[neighbours]
        if item_id is not None and is_there.any():
            near[item_id] = msgspec.structs.replace(
                near[item_id],
                same_day_ids=state.item_ids.ids_at(neighbours[is_there].tolist()),
                same_day_counts=counts[is_there].tolist(),
            )
    return near
