"""Generalized matrix factorization with an item bias.

He et al. 2017, Neural Collaborative Filtering, section 3.2, with the output activation left to the loss:
``logit = h . (p_u * q_i) + b_i``. p_u is the user's own row plus a mean of the rows that the user's last
items have as a past (`models.context`): an item has one row to be chosen by, one to have been chosen by.
"""

from collections.abc import Mapping
from weakref import WeakSet

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.checkpoint import TensorsUnder
from models.context import Context, Past
from models.embedding import GrowableEmbedding, SharedRows
from models.step_memory import Tables

_SEED_OF_PAST = 1_000_003

_SQUARES_OF_EVENT = 0.05
"""Of what an item's row was given with an event, where a checkpoint from before kept how many there were."""


_SHARE_OF_SQUARES = 0.25
"""Of the items that a new one is like: half as much is trusted of it."""


class GMF:
    """User and item embeddings of D entries, an output layer `h` and a bias per item.

    An item's row holds [q_i, b_i], so the inner product of a user vector [p_u * h, 1] and an item vector is
    the logit itself: what an index ranks by is what was trained.

    A user vector that was published goes stale when an item of its context changes for other reasons. It is
    not published again for that: it is with the user's next event, and item rows move little in between.

    Parameters
    ----------
    std
        Of new items' entries; a new user's row is zero.
    context
        The users' last items; None: a user is the own row alone.

    Attributes
    ----------
    users
        Rows, (U, D): the users' own part of p_u. Beside them the sum of the squares of their gradients.
    items
        Rows [q_i, b_i], (I, D + 1), with such sums of row and bias.
    past
        Rows that items have as somebody's past, (I, D), with such sums.
    output
        h, (D,). The stream must not change it: every published user vector contains it.

    >>> model = GMF(embedding_dim=4, std=0.1, seed=1)
    >>> model.grow_to(n_users=3, n_items=2)
    >>> users, items = torch.tensor([0, 2]), torch.tensor([1, 0])
    >>> inner = (model.user_vectors(users) * model.item_vectors(items)).sum(dim=1)
    >>> torch.allclose(inner, model.logits(users, items))
    True
    """

    def __init__(self, embedding_dim: int, std: float, seed: int, context: Context | None = None) -> None:
        self.embedding_dim = embedding_dim
        self.users = GrowableEmbedding(embedding_dim, 0.0, 2 * seed, n_state_columns=1)
        self.items = GrowableEmbedding(
            embedding_dim + 1, std, 2 * seed + 1, n_zero_columns=1, n_state_columns=2
        )
        self.past = GrowableEmbedding(embedding_dim, std, 2 * seed + _SEED_OF_PAST, n_state_columns=1)
        self.output = torch.ones(embedding_dim)
        self.context = Context(0) if context is None else context
        self._copies: WeakSet[SharedRows] = WeakSet()

    def grow_to(self, n_users: int, n_items: int) -> None:
        """Have at least so many rows."""
        self.users.grow_to(n_users)
        self.items.grow_to(n_items)
        self.past.grow_to(n_items)
        self.context.grow_to(n_users)

    def logits(self, user_rows: Tensor, item_rows: Tensor) -> Tensor:
        """Return (B,) logits of (B,) pairs."""
        items = self.items.rows[item_rows]
        product = self.inner(user_rows, self.past_of(user_rows)) * items[:, :-1]
        return product @ self.output + items[:, -1]

    def user_vectors(self, rows: Tensor, pause_s: float = 0.0) -> Tensor:
        """Return (B, D + 1) copies [p_u * h, 1], as they are so many seconds after the newest items."""
        return self.vectors_of(self.inner(rows, self.past_of(rows, pause_s)))

    def past_of(self, rows: Tensor, pause_s: float = 0.0) -> Past:
        """Return the last items of (B,) users, as they are so many seconds after the newest of them."""
        return self.context.of(rows, pause_s)

    def inner(self, rows: Tensor, past: Past) -> Tensor:
        """Return (B, D) p_u of (B,) users whose last items are `past`."""
        own = self.users.rows.index_select(0, rows)
        return own + past.mean(self.past) if self.context.n else own

    def vectors_of(self, inner: Tensor) -> Tensor:
        """Return (B, D + 1) vectors [p_u * h, 1] of (B, D) p_u."""
        return torch.cat([inner * self.output, torch.ones(len(inner), 1)], dim=1)

    def item_vectors(self, rows: Tensor) -> Tensor:
        """Return (B, D + 1) copies [q_i, b_i]."""
        return self.items.rows.index_select(0, rows)

    def past_vectors(self, rows: Tensor) -> Tensor:
        """Return (B, D) copies of what items add to a user's vector as all of the user's past."""
        return self.past.rows.index_select(0, rows) * self.output

    def follow(self, users: Tensor, items: Tensor, times: NDArray[np.float64]) -> None:
        """Let (B,) items, at Unix seconds, be what their users chose last."""
        self.context.follow(users, items, times)

    def start_item(self, row: int, neighbours: Tensor) -> None:
        """Let a new item start at the mean of (M,) others, M > 0, as if a part of theirs were learned of it.

        Its first steps would else be the longest there are, and lead away from what was given.
        """
        self.grow_to(0, row + 1)
        for embedding in (self.items, self.past):
            embedding.rows[row] = embedding.rows[neighbours].mean(dim=0)
            embedding.state[row] = _SHARE_OF_SQUARES * embedding.state[neighbours].mean(dim=0)

    def forget_users(self, rows: Tensor) -> None:
        """Bring (B,) rows back to those of new users."""
        self.users.reset(rows)
        self.context.forget_users(rows)

    def forget_items(self, rows: Tensor) -> None:
        """Bring (B,) rows back to those of new items."""
        self.items.reset(rows)
        self.past.reset(rows)
        self.context.forget_items(rows)
        for copy in self._copies:
            copy.forget(rows)

    def shared_rows(self) -> SharedRows:
        """Return a copy of the items' rows, which forgets with the model what is forgotten from now on."""
        copy = SharedRows(self.items, self.past)
        self._copies.add(copy)
        return copy

    def put_back(self, copy: SharedRows) -> None:
        """Bring the items' rows back to those of a copy that this model made."""
        copy.put_back(self.items, self.past)

    def tables(self) -> Tables:
        """Return the memory itself, for the loops that learn."""
        return Tables(
            self.users.rows.numpy(),
            user_squares=self.users.state.numpy(),
            items=self.items.rows.numpy(),
            item_squares=self.items.state.numpy(),
            past=self.past.rows.numpy(),
            past_squares=self.past.state.numpy(),
            output=self.output.numpy(),
        )

    @property
    def n_bytes(self) -> int:
        """Bytes of rows, and of users' last items."""
        rows = (tensor.nbytes for part in _PARTS for tensor in self._of(part).tensors().values())
        return sum(rows) + self.context.n_bytes

    def tensors(self) -> dict[str, Tensor]:
        """Return everything learned, by name: views, but for copies of users' last items."""
        context = self.context.tensors() if self.context.n else {}
        return {
            "output": self.output,
            **{
                f"{part}.{name}": tensor
                for part in _PARTS
                for name, tensor in self._of(part).tensors().items()
            },
            **{f"context.{name}": tensor for name, tensor in context.items()},
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over (copies of) what `tensors` returned, or a model from before items had two rows."""
        self.output = tensors["output"].clone()
        for part in _PARTS:
            if f"{part}.rows" in tensors:
                rows, state = tensors[f"{part}.rows"], tensors[f"{part}.state"]
            else:
                rows, state = tensors["items.rows"][:, :-1], tensors["items.state"]
            embedding = self._of(part)
            if state.shape[1] != embedding.state.shape[1]:
                state = _squares_of(state, embedding.state.shape[1])
            embedding.load({"rows": rows, "state": state})
        context = TensorsUnder("context.", tensors)
        if self.context.n and context:
            self.context.load(context)
        self.context.grow_to(self.users.n_rows)

    def _of(self, part: str) -> GrowableEmbedding:
        embedding: GrowableEmbedding = getattr(self, part)
        return embedding


_PARTS = ("users", "items", "past")


def _squares_of(n_learned: Tensor, n_columns: int) -> Tensor:
    """Return (N, n_columns) sums of squares for rows that (N, 1) events, or nobody knows how many, moved."""
    events = n_learned[:, :1] if n_learned.shape[1] else torch.ones(len(n_learned), 1)
    return _SQUARES_OF_EVENT * events.expand(-1, n_columns)
