"""The learner as a model that can be judged event by event."""

import numpy as np
import torch
from numpy.typing import NDArray

from streamrec.domain.ranking.prequential import Events, padded
from streamrec.learning.learner import Learner


class GmfRanker:
    """A learner as a `Ranker`: it answers with what it has learned so far."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner

    def scores(self, user_row: int, n_items: int, at: float | None = None) -> NDArray[np.floating]:
        """Return (n_items,) logits; of a user not learned from yet, the items' biases."""
        model = self._learner.model
        items = model.items.rows[: min(n_items, model.items.n_rows)]
        if user_row < model.users.n_rows:
            pause_s = 0.0 if at is None else model.context.pause_s(user_row, at)
            logits = items @ model.user_vectors(torch.tensor([user_row]), pause_s)[0]
        else:
            logits = items[:, -1]
        return padded(logits.numpy(), n_items)

    def learn(self, events: Events) -> None:
        """Learn B events."""
        self._learner.learn(events.user_rows, events.item_rows, events.weights, events.timestamps)
