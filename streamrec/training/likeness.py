"""What makes users alike: where, among the items, what they chose last lies."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from streamrec.training.trainer_state import TrainerState


def likeness_of(state: TrainerState, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return (B, D + 1) the mean of the items' rows q_i that each of (B,) users chose last, and a zero.

    Not the user's vector: that follows the last two choices, because lists are better for it, and a choice
    off the user's way moves it away from everybody like the user. The mean of `n_recent` choices stays. Of a
    user who chose nothing it is zero.
    """
    histories = state.learner.recent_items(rows, state.n_recent)
    items = state.learner.model.items.rows
    if not len(rows) or not len(items):
        return np.zeros((len(rows), items.shape[1]), "<f4")
    starts = np.cumsum([0, *map(len, histories[:-1])])
    chosen = torch.from_numpy(np.concatenate(histories))
    means = functional.embedding_bag(chosen, items, torch.from_numpy(starts), mode="mean")
    means[:, -1] = 0.0
    return means.numpy().astype("<f4")


def users_likeness(state: TrainerState, rows: NDArray[np.int64]) -> list[tuple[str, bytes]]:
    """Return ids and vectors, as bytes, of the (B,) user rows that live and chose something."""
    vectors = likeness_of(state, rows)
    return [
        (user_id, vectors[position].tobytes())
        for position, user_id in enumerate(map(state.user_ids.id_at, rows.tolist()))
        if user_id is not None and vectors[position].any()
    ]
