"""Similarity of users: vectors made of the items that they chose last."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from streamrec.learning.soundness import demand_sound
from streamrec.learning.state.trainer_state import TrainerState

_USERS_AT_ONCE = 10_000
"""A snapshot is of all users, whose choices, as objects, would take several times what their vectors do."""


def similarity_vectors(state: TrainerState, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return (B, D + 1) the mean of the items' rows q_i that each of (B,) users chose last, and a zero.

    Not the user's vector: that follows the last choices most, because lists are better for it, and a choice
    off the user's way moves it away from everybody like the user. The mean of `n_recent` choices stays. Of a
    user who chose nothing it is zero.
    """
    items = state.learner.model.items.rows
    means = np.zeros((len(rows), items.shape[1]), "<f4")
    for start in range(0, len(rows) if len(items) else 0, _USERS_AT_ONCE):
        at = slice(start, start + _USERS_AT_ONCE)
        histories = state.learner.recent_items(rows[at], state.n_recent)
        firsts = torch.from_numpy(np.cumsum([0, *map(len, histories[:-1])]))
        chosen = torch.from_numpy(np.concatenate(histories))
        means[at] = functional.embedding_bag(chosen, items, firsts, mode="mean").numpy()
    means[:, -1] = 0.0
    demand_sound({"items.rows": torch.from_numpy(means)})
    return means


def user_similarities(state: TrainerState, rows: NDArray[np.int64]) -> list[tuple[str, bytes]]:
    """Return ids and vectors, as bytes, of the (B,) user rows that live and chose something."""
    vectors = similarity_vectors(state, rows)
    chose_something = vectors.any(axis=1)
    written = rows_as_bytes(vectors[chose_something])
    ids = map(state.user_ids.id_at, rows[chose_something].tolist())
    return [(user_id, vector) for user_id, vector in zip(ids, written, strict=True) if user_id is not None]


def rows_as_bytes(rows: NDArray[np.float32]) -> list[bytes]:
    """Return each row of (B, D) as little-endian float32."""
    width = rows.shape[1] * 4
    buffer = rows.astype("<f4").tobytes()
    return [buffer[start : start + width] for start in range(0, len(buffer), width)]
