"""What of the trainer's state the outside gets to see: absolute values, copied from one moment."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from streamrec.domain.user import UserState
from streamrec.ports import RankedItem, VectorTable
from streamrec.training.trainer_state import TrainerState

N_POPULAR = 1000
"""Items per overall ranking: the largest k that may be asked for."""

N_POPULAR_PER_CATEGORY = 200


def user_states(state: TrainerState, rows: NDArray[np.int64]) -> list[UserState]:
    """Return the documents of (B,) user rows, of those that live."""
    if not len(rows):
        return []
    vectors = _vectors_as_bytes(state.learner.model.user_vectors(torch.from_numpy(rows)))
    histories = state.learner.recent_items(rows, state.n_recent)
    n_events, updated_at = state.users.n_events[rows].tolist(), state.users.updated_at[rows].tolist()
    states = []
    for position, row in enumerate(rows.tolist()):
        user_id = state.user_ids.id_at(row)
        if user_id is not None:
            states.append(
                UserState(
                    user_id=user_id,
                    generation=state.generation,
                    vector=vectors[position],
                    recent=tuple(state.item_ids.ids_at(histories[position].tolist())),
                    disliked=tuple(state.users.disliked.get(row, ())),
                    n_events=n_events[position],
                    updated_at=updated_at[position],
                )
            )
    return states


def item_vectors(state: TrainerState, rows: NDArray[np.int64]) -> list[tuple[str, bytes]]:
    """Return ids and vectors of the (B,) item rows that live."""
    if not len(rows):
        return []
    vectors = _vectors_as_bytes(state.learner.model.item_vectors(torch.from_numpy(rows)))
    ids = [state.item_ids.id_at(row) for row in rows.tolist()]
    return [(id_, vector) for id_, vector in zip(ids, vectors, strict=True) if id_ is not None]


def vector_table(state: TrainerState, *, of_users: bool) -> VectorTable:
    """Return all living ids and their vectors, for a snapshot."""
    ids = (state.user_ids if of_users else state.item_ids).by_row()
    rows = np.array([row for row, id_ in enumerate(ids) if id_ is not None], np.int64)
    model = state.learner.model
    vectors_of = model.user_vectors if of_users else model.item_vectors
    return VectorTable(
        [id_ for id_ in ids if id_ is not None], vectors_of(torch.from_numpy(rows)).numpy().astype("<f4")
    )


def rankings(
    state: TrainerState, members_by_category: Mapping[str, Iterable[str]]
) -> dict[str, list[RankedItem]]:
    """Return popularity rankings: ``window`` over all items, ``window:category`` within one."""
    rows_of = {
        name: np.array([row for id_ in members if (row := state.item_ids.row(id_)) >= 0], np.int64)
        for name, members in members_by_category.items()
    }
    ranked: dict[str, list[RankedItem]] = {}
    for window in state.popularity.windows:
        scores = state.popularity.scores(window)
        ranked[window] = _top(state, scores, np.arange(len(scores)), N_POPULAR)
        for name, rows in rows_of.items():
            within = rows[rows < len(scores)]
            ranked[f"{window}:{name}"] = _top(state, scores, within, N_POPULAR_PER_CATEGORY)
    return ranked


def _top(
    state: TrainerState, scores: NDArray[np.float64], rows: NDArray[np.int64], limit: int
) -> list[RankedItem]:
    rows = rows[scores[rows] > 0]
    if len(rows) > limit:
        rows = rows[np.argpartition(-scores[rows], limit)[:limit]]
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    return [
        RankedItem(id_, score)
        for row, score in zip(rows.tolist(), scores[rows].tolist(), strict=True)
        if (id_ := state.item_ids.id_at(row)) is not None
    ]


def _vectors_as_bytes(vectors: torch.Tensor) -> list[bytes]:
    """Return each row of (B, D + 1) as little-endian float32."""
    rows = vectors.numpy().astype("<f4")
    width = rows.shape[1] * 4
    buffer = rows.tobytes()
    return [buffer[start : start + width] for start in range(0, len(buffer), width)]
