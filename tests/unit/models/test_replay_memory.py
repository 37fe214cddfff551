"""What an event is replayed with is what its user chose around it."""

import numpy as np
import pytest

from models.context_tables import N_AHEAD
from streamrec.learning.learner import Learner
from streamrec.settings.processes import LearningSettings

N_CONTEXT, N_EVENTS, N_USERS = 6, 400, 9


@pytest.mark.parametrize("seed", range(5))
def test_the_context_of_an_event_is_what_its_user_chose_before_and_after(seed: int) -> None:
    learner = Learner(
        LearningSettings(
            embedding_dim=2, n_negatives=4, n_context=N_CONTEXT, n_replay_newest=30, n_replay_sampled=50
        )
    )
    chance = np.random.default_rng(seed)
    users = (N_USERS * chance.random(N_EVENTS) ** 2).astype(np.int64)
    items = chance.permutation(N_EVENTS)  # each once: an item says which event it is of
    for start in range(0, N_EVENTS, 40):
        part = slice(start, start + 40)
        learner.learn(users[part], items[part], np.ones(40, np.float32), np.arange(start, start + 40.0))
    kept = learner.state_tensors()
    n_kept = 0
    for user, item, context in zip(
        kept["replay.users"].tolist(),
        kept["replay.items"].tolist(),
        kept["replay.context"].numpy(),
        strict=True,
    ):
        of_user = items[users == user].tolist()
        at = of_user.index(item)
        before, after = of_user[:at][::-1], of_user[at + 1 :]
        # Of the context's items so many come after an event as the user's last ones reach back.
        n_after = min(N_AHEAD, N_CONTEXT - 1)
        assert context[N_AHEAD:].tolist() == (before + [-1] * N_CONTEXT)[: N_CONTEXT - 1] + [-1]
        assert context[N_AHEAD - n_after : N_AHEAD][::-1].tolist() == (after + [-1] * n_after)[:n_after]
        n_kept += 1
    assert n_kept == 80
