"""One step of sparse gradient descent on a GMF, with every derivative written out."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.gmf import GMF
from models.losses import LOSSES


class Rates(NamedTuple):
    """How far a step goes.

    Attributes
    ----------
    user, item, bias
        Learning rates of p_u, q_i and b_i.
    decay
        Share of a touched row that is taken away per unit of learning (L2 regularization). Of a user it is
        also what makes the past fade: with a large `user` rate a vector follows the last events.
    bias_boost, boost_events
        The bias of an item learned from n times moves 1 + `bias_boost` / (1 + n / `boost_events`) times as
        far: a newcomer's popularity is found in a few events.
    """

    user: float
    item: float
    bias: float
    decay: float
    bias_boost: float
    boost_events: float


class Batch(NamedTuple):
    """B events of U distinct users, R past positives of the same users, and N negatives shared by all.

    Attributes
    ----------
    users
        (U,) distinct rows.
    places
        (B + R,) which of `users`; the events come first.
    items
        (B + R,) rows of the positives.
    weights
        (B + R,) float32.
    n_events
        B. Past positives teach only their user: their items learned from them when they happened.
    negatives
        (N,) item rows, repeats allowed.
    is_known
        (U, N): negatives that a user is known to like, which must not count.
    n_moved
        How many of the negatives learn; the others only teach the users. Every moved item has to be
        published, and few learning for all gives the same on average.
    """

    users: Tensor
    places: Tensor
    items: Tensor
    weights: Tensor
    n_events: int
    negatives: Tensor
    is_known: Tensor
    n_moved: int


class ItemGradient(NamedTuple):
    """Derivatives by T item vectors (T, D + 1) and, summed over the users, by their logits (T,)."""

    by_vector: Tensor
    by_logit: Tensor


class Descent:
    """Makes steps against the gradient of a loss; only rows named by a batch change."""

    def __init__(self, loss: str, rates: Rates) -> None:
        self._loss = LOSSES[loss]
        self._rates = rates

    def step(self, model: GMF, batch: Batch, output_rate: float = 0.0) -> float:
        """Change the model by one batch; return the sum of the B events' losses before.

        All derivatives are taken at the same point. A user's several events of one batch count by their mean.

        Parameters
        ----------
        output_rate
            Learning rate of the output layer; must stay zero once user vectors have been published.
        """
        vectors = model.user_vectors(batch.users)  # (U, D + 1)
        of_event = vectors.index_select(0, batch.places)  # (B + R, D + 1)
        positive = model.items.rows.index_select(0, batch.items)  # (B + R, D + 1)
        negative = model.items.rows.index_select(0, batch.negatives)  # (N, D + 1)
        negative_logits = (vectors @ negative.T).masked_fill_(batch.is_known, -torch.inf)  # (U, N)
        loss, by_positive, by_negative = self._loss(
            (of_event * positive).sum(dim=1), negative_logits.index_select(0, batch.places)
        )
        by_positive = (by_positive * batch.weights).unsqueeze(1)  # (B + R, 1)
        by_negative = by_negative * batch.weights.unsqueeze(1)  # (B + R, N)
        by_vector = (by_positive * positive).addmm_(by_negative, negative)[:, :-1]  # (B + R, D)

        n, m = batch.n_events, batch.n_moved
        gains = ItemGradient(by_positive[:n] * of_event[:n], by_positive[:n, 0])
        by_moved = by_negative[:n, :m] * (len(batch.negatives) / max(1, m))  # the moved stand for all
        losses = ItemGradient(by_moved.T @ of_event[:n], by_moved.sum(dim=0))
        self._move_items(model, batch.items[:n], positive[:n], gains)
        self._move_items(model, batch.negatives[:m], negative[:m], losses)
        self._move_users(model, batch, by_vector, output_rate)
        return float(loss[:n].sum())

    def _move_users(self, model: GMF, batch: Batch, by_vector: Tensor, output_rate: float) -> None:
        n_users = len(batch.users)
        by_user = torch.zeros(n_users, model.embedding_dim).index_add_(0, batch.places, by_vector)  # (U, D)
        of_events = batch.places[: batch.n_events]
        n_events = torch.bincount(of_events, minlength=n_users).unsqueeze(1)  # (U, 1)
        weight = torch.zeros(n_users).index_add_(0, of_events, batch.weights[: batch.n_events])
        rows = model.users.rows.index_select(0, batch.users)
        step = self._rates.user / n_events
        # Dividing, instead of subtracting a share of the row, is stable for a step of any length.
        shrink = 1 + self._rates.decay * step * weight.unsqueeze(1)
        model.users.rows.index_copy_(0, batch.users, (rows - step * by_user * model.output) / shrink)
        if output_rate:
            model.output -= output_rate * (rows * by_user).sum(dim=0)

    def _move_items(self, model: GMF, rows: Tensor, vectors: Tensor, gradient: ItemGradient) -> None:
        """Move (T,) item rows that hold `vectors` (T, D + 1); a row that is repeated moves by the sum."""
        rates, n_learned = self._rates, model.items.state
        strength = gradient.by_logit.abs().unsqueeze(1)  # (T, 1)
        move = gradient.by_vector + rates.decay * strength * vectors
        boost = rates.bias_boost / (1 + n_learned.index_select(0, rows) / rates.boost_events)
        move[:, :-1] *= rates.item
        move[:, -1:] *= rates.bias * (1 + boost)
        model.items.rows.index_add_(0, rows, move, alpha=-1)
        n_learned.index_add_(0, rows, strength)
