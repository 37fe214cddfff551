"""Planted groups for `users`: whether users of a group are found by what was learned."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.items.content_index import ContentIndex
from streamrec.learning.absorb import absorb
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.user_similarity import similarity_vectors
from streamrec.settings.processes import LearningSettings, TrainerSettings

N_USERS, GROUP_SIZE = 200, 10
N_ITEMS = 200
"""Instruments, as many for each group."""

_BATCH = 256


class Planted(NamedTuple):
    """A stream: how long, and what share of the choices are of any group."""

    n_events: int
    noise: float


def learned(planted: Planted, seed: int) -> TrainerState:
    """Return what a trainer that starts with nothing knows after the stream; user u is at row u."""
    chance = np.random.default_rng(seed)
    state = TrainerState("planted", LearningSettings(), TrainerSettings())
    rules = LearningRules(EventWeights({}), is_value_weighted=False, contents=ContentIndex())
    state.user_ids.rows_of([f"u{user}" for user in range(N_USERS)], add=True)
    n_groups = N_USERS // GROUP_SIZE
    per_group = N_ITEMS // n_groups
    users = chance.integers(N_USERS, size=planted.n_events)
    items = users % n_groups * per_group + chance.integers(per_group, size=planted.n_events)
    is_noise = chance.random(planted.n_events) < planted.noise
    items[is_noise] = chance.integers(N_ITEMS, size=int(is_noise.sum()))
    events = [
        Interaction(f"u{user}", f"i{item}", 1.7e9 + number)
        for number, (user, item) in enumerate(zip(users.tolist(), items.tolist(), strict=True))
    ]
    for first in range(0, len(events), _BATCH):
        absorb(state, events[first : first + _BATCH], rules, now=0.0)
    return state


def precision(vectors: NDArray[np.float32]) -> float:
    """Return which share of a user's (group size - 1) nearest by cosine are of the group, over all users.

    Parameters
    ----------
    vectors
        (U, D + 1), of which the last component does not count.
    """
    directions = vectors[:, :-1] / np.linalg.norm(vectors[:, :-1], axis=1, keepdims=True)
    cosines = directions @ directions.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.argsort(-cosines, axis=1)[:, : GROUP_SIZE - 1]
    groups = np.arange(len(vectors)) % (N_USERS // GROUP_SIZE)
    return float((groups[nearest] == groups[:, None]).mean())


def precisions(planted: Planted, seed: int) -> dict[str, float]:
    """Return the precision of what is indexed, and of the vectors that lists are made with."""
    state = learned(planted, seed)
    rows = np.arange(N_USERS)
    of_lists = state.learner.model.user_vectors(torch.from_numpy(rows)).numpy()
    return {"likeness": precision(similarity_vectors(state, rows)), "list vectors": precision(of_lists)}
