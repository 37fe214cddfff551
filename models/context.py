"""The context of a user: the items chosen last, as a part of the user's vector.

A user vector holds the recency-weighted mean of the rows of the user's last items: Kabbur et al. 2013, FISM,
section 4, with weights that fade and the item rows themselves for both sets of factors. Two clicks are a
vector, and every event moves it at once.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.embedding import GrowableEmbedding
from streamrec.domain.rows.compiled import compiled
from streamrec.domain.rows.marked_rows import clear_marked, marked

_NOTHING = -1
"""Marks a slot in which a user has no further item, or one that was forgotten."""


class Past(NamedTuple):
    """The last items of B users.

    Attributes
    ----------
    items
        (B, n) item rows, the newest first; any row where the share is zero.
    shares
        (B, n) what each adds to the user's vector; zero where there is none.
    """

    items: Tensor
    shares: Tensor

    def mean(self, items: GrowableEmbedding) -> Tensor:
        """Return (B, D), the part of the users' vectors that `items`' rows [q_i, b_i] make."""
        if not items.capacity:
            return torch.zeros(len(self.items), items.width - 1)
        summed = functional.embedding_bag(self.items, items.rows, mode="sum", per_sample_weights=self.shares)
        return summed[:, :-1]


class Context:
    """The last `n` items of every user, and what they weigh.

    Parameters
    ----------
    n
        Items of a user, at least one.
    decay
        An item weighs so much of the one after it.
    weight
        Of the mean of all, beside the user's own row.

    >>> context = Context(n=2, decay=0.5, weight=0.9)
    >>> user = torch.tensor([0])
    >>> for item in (7, 8, 9):
    ...     context.follow(user, torch.tensor([item]))
    >>> context.of(user).items.tolist(), [round(share, 1) for share in context.of(user).shares[0].tolist()]
    ([[9, 8]], [0.6, 0.3])
    """

    def __init__(self, n: int, decay: float, weight: float) -> None:
        self._weight = weight
        self._fading = decay ** torch.arange(n, dtype=torch.float32)  # (n,)
        self._latest = torch.empty(0, n, dtype=torch.int32)
        self._n_users = 0

    def grow_to(self, n_users: int) -> None:
        """Have room for at least so many users."""
        self._n_users = max(self._n_users, n_users)
        capacity, n = self._latest.shape
        if n_users > capacity:
            room = torch.full((max(n_users, capacity + capacity // 10), n), _NOTHING, dtype=torch.int32)
            room[:capacity] = self._latest
            self._latest = room

    def of(self, users: Tensor) -> Past:
        """Return the past of (B,) users."""
        return self._weighed(self._latest.index_select(0, users))

    def follow(self, users: Tensor, items: Tensor) -> None:
        """Put (B,) items before their users' earlier choices, one after the other."""
        self.grow_to(int(users.max()) + 1 if len(users) else 0)
        _follow(self._latest.numpy(), users.numpy(), items.numpy())

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.float32], float]:
        """Return (U, n) last items, (n,) how much each weighs, and the weight of all: views."""
        return self._latest.numpy(), self._fading.numpy(), self._weight

    def clear(self) -> None:
        """Forget all choices."""
        self._latest.fill_(_NOTHING)

    def forget_users(self, rows: Tensor) -> None:
        """Forget the choices of (B,) users."""
        self._latest[rows[rows < len(self._latest)]] = _NOTHING

    def forget_items(self, rows: Tensor) -> None:
        """Leave (B,) items out: their rows may become others'."""
        clear_marked(self._latest.numpy(), marked(rows.numpy()))

    def latest(self) -> Tensor:
        """Return (U, n) what is remembered, to be stored: a view, not a copy."""
        return self._latest[: self._n_users]

    def load(self, latest: Tensor) -> None:
        """Take over (a copy of) what `latest` returned, also from a context of another length."""
        n = min(latest.shape[1], self._latest.shape[1])
        self._latest, self._n_users = self._latest[:0], 0
        self.grow_to(latest.shape[0])
        self._latest[: latest.shape[0], :n] = latest[:, :n]

    def _weighed(self, latest: Tensor) -> Past:
        is_there = latest >= 0
        weights = self._fading * is_there  # (B, n)
        whole = weights.sum(dim=1, keepdim=True)
        whole += whole == 0  # who chose nothing has nothing to divide
        return Past(latest.clamp(min=0).long(), weights * (self._weight / whole))


@compiled
def put_first(latest: NDArray[np.int32], user: int, item: int) -> None:
    """Put an item before a user's last ones."""
    n = latest.shape[1]
    for c in range(n - 1, 0, -1):
        latest[user, c] = latest[user, c - 1]
    if n:
        latest[user, 0] = item


@compiled
def _follow(latest: NDArray[np.int32], users: NDArray[np.int64], items: NDArray[np.int64]) -> None:
    for b in range(len(users)):
        put_first(latest, users[b], items[b])
