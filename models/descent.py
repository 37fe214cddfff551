"""One step of sparse gradient descent on a GMF, with every derivative written out."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.context import Past
from models.embedding import GrowableEmbedding
from models.gmf import GMF
from models.losses import LOSSES


class Rates(NamedTuple):
    """How far a step goes.

    Attributes
    ----------
    user, item, bias
        Learning rates of p_u, q_i and b_i.
    context
        Of q_j, for its part in the vectors of those who chose j last.
    decay
        Share of a touched row that is taken away per unit of learning (L2 regularization). Of a user it is
        also what makes the past fade: with a large `user` rate a vector follows the last events.
    item_boost, bias_boost, boost_events
        An item that n events were learned of moves 1 + boost / (1 + n / `boost_events`) times as far: what a
        newcomer is, and how popular, is found in a few events.
    """

    user: float
    item: float
    bias: float
    decay: float
    item_boost: float
    bias_boost: float
    boost_events: float
    context: float = 0.0


class Batch(NamedTuple):
    """B events of U distinct users, R past positives of the same users, and N negatives shared by all.

    Attributes
    ----------
    users
        (U,) distinct rows.
    places
        (B + R,) which of `users`, the events first; None where event b is of user b and nothing is replayed.
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
    past
        Of the U users, for a model with a context.
    """

    users: Tensor
    places: Tensor | None
    items: Tensor
    weights: Tensor
    n_events: int
    negatives: Tensor
    is_known: Tensor
    n_moved: int
    past: Past | None = None


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
        inner = model.inner(batch.users, batch.past)  # (U, D)
        vectors = model.vectors_of(inner)  # (U, D + 1)
        of_event = _of_events(vectors, batch.places)  # (B + R, D + 1)
        positive = model.items.rows.index_select(0, batch.items)  # (B + R, D + 1)
        negative = model.items.rows.index_select(0, batch.negatives)  # (N, D + 1)
        negative_logits = (vectors @ negative.T).masked_fill_(batch.is_known, -torch.inf)  # (U, N)
        loss, by_positive, by_negative = self._loss(
            (of_event * positive).sum(dim=1), _of_events(negative_logits, batch.places)
        )
        by_positive = (by_positive * batch.weights).unsqueeze(1)  # (B + R, 1)
        by_negative = by_negative * batch.weights.unsqueeze(1)  # (B + R, N)
        by_vector = (by_positive * positive).addmm_(by_negative, negative)[:, :-1]  # (B + R, D)

        n, m = batch.n_events, batch.n_moved
        by_positive, of_event = by_positive[:n], of_event[:n]
        by_moved = by_negative[:n, :m] * (len(batch.negatives) / max(1, m))  # the moved stand for all
        self._move_items(
            model.items,
            torch.cat([batch.items[:n], batch.negatives[:m]]),
            torch.cat([positive[:n], negative[:m]]),
            torch.cat([by_positive * of_event, by_moved.T @ of_event]),
            torch.cat([by_positive[:, 0], by_moved.sum(dim=0)]),
        )
        by_vector, weights = _of_users(batch, by_vector)
        self._move_users(model, batch.users, by_vector, weights)
        if batch.past is not None:
            self._move_past(model.items, batch.past, by_vector * model.output)
        if output_rate:
            model.output -= output_rate * (inner * by_vector).sum(dim=0)
        return float(loss[:n].sum())

    def _move_users(self, model: GMF, users: Tensor, by_vector: Tensor, weights: Tensor) -> None:
        rate, decay = self._rates.user, self._rates.decay
        rows = model.users.rows.index_select(0, users)
        # Dividing, instead of subtracting a share of the row, is stable for a step of any length.
        shrink = (1 + decay * rate * weights).unsqueeze(1)  # (U, 1)
        moved = torch.addcmul(rows, by_vector, model.output, value=-rate) / shrink
        model.users.rows.index_copy_(0, users, moved)

    def _move_past(self, items: GrowableEmbedding, past: Past, by_inner: Tensor) -> None:
        """Move the rows of the users' last items, by (U, D) derivatives by p_u; their biases took no part."""
        move = past.shares.unsqueeze(2) * by_inner.unsqueeze(1)  # (U, n, D)
        flat = move.reshape(-1, by_inner.shape[1])
        items.rows[:, :-1].index_add_(0, past.items.reshape(-1), flat, alpha=-self._rates.context)

    def _move_items(
        self, items: GrowableEmbedding, rows: Tensor, vectors: Tensor, by_vector: Tensor, by_logit: Tensor
    ) -> None:
        """Move T item rows, which hold `vectors`; one that is repeated moves by the sum.

        Parameters
        ----------
        vectors, by_vector
            (T, D + 1), and the derivatives by it.
        by_logit
            (T,) derivatives by the items' logits, summed over the users.
        """
        rates = self._rates
        strength = by_logit.abs().unsqueeze(1)  # (T, 1)
        move = torch.addcmul(by_vector, strength, vectors, value=rates.decay)
        newness = 1 / (1 + items.state.index_select(0, rows) / rates.boost_events)
        move[:, :-1] *= rates.item * (1 + rates.item_boost * newness)
        move[:, -1:] *= rates.bias * (1 + rates.bias_boost * newness)
        items.rows.index_add_(0, rows, move, alpha=-1)
        items.state.index_add_(0, rows, strength)


def _of_users(batch: Batch, by_vector: Tensor) -> tuple[Tensor, Tensor]:
    """Return (U, D) derivatives and (U,) weights: of a user's several events, the mean."""
    weights = batch.weights[: batch.n_events]
    if batch.places is None:
        return by_vector, weights
    n_users, of_event = len(batch.users), batch.places[: batch.n_events]
    share = 1 / torch.bincount(of_event, minlength=n_users)  # (U,)
    by_user = torch.zeros(n_users, by_vector.shape[1]).index_add_(0, batch.places, by_vector)
    return share.unsqueeze(1) * by_user, share * torch.zeros(n_users).index_add_(0, of_event, weights)


def _of_events(of_users: Tensor, places: Tensor | None) -> Tensor:
    """Return the (B + R, ...) entries that (U, ...) holds of each event's user."""
    return of_users if places is None else of_users.index_select(0, places)
