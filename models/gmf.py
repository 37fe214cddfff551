"""Generalized matrix factorization with an item bias.

He et al. 2017, Neural Collaborative Filtering, section 3.2, with the output activation left to the loss:
``logit = h . (p_u * q_i) + b_i``. With a context p_u is the user's own row plus a mean of item rows.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from models.context import Context, Past
from models.embedding import GrowableEmbedding
from models.step_memory import Tables


class GMF:
    """User and item embeddings of D entries, an output layer `h` and a bias per item.

    An item's row holds [q_i, b_i], so the inner product of a user vector [p_u * h, 1] and an item vector is
    the logit itself: what an index ranks by is what was trained.

    A user vector that was published goes stale when an item of its context changes for other reasons. It is
    not published again for that: it is with the user's next event, and item rows move little in between.

    Attributes
    ----------
    users
        Rows p_u, (U, D); with a context, the users' own part of it.
    items
        Rows [q_i, b_i], (I, D + 1). Their optimizer state is how much was learned of each, in events.
    output
        h, (D,). The stream must not change it: every published user vector contains it.
    context
        The users' last items; None: a user is the own row alone.

    >>> model = GMF(embedding_dim=4, std=0.1, seed=1)
    >>> model.grow_to(n_users=3, n_items=2)
    >>> users, items = torch.tensor([0, 2]), torch.tensor([1, 0])
    >>> inner = (model.user_vectors(users) * model.item_vectors(items)).sum(dim=1)
    >>> torch.allclose(inner, model.logits(users, items))
    True
    """

    def __init__(self, embedding_dim: int, std: float, seed: int, context: Context | None = None) -> None:
        self.embedding_dim = embedding_dim
        self.users = GrowableEmbedding(embedding_dim, std, 2 * seed)
        self.items = GrowableEmbedding(
            embedding_dim + 1, std, 2 * seed + 1, n_zero_columns=1, n_state_columns=1
        )
        self.output = torch.ones(embedding_dim)
        self.context = context

    def grow_to(self, n_users: int, n_items: int) -> None:
        """Have at least so many rows."""
        self.users.grow_to(n_users)
        self.items.grow_to(n_items)
        if self.context is not None:
            self.context.grow_to(n_users)

    def logits(self, user_rows: Tensor, item_rows: Tensor) -> Tensor:
        """Return (B,) logits of (B,) pairs."""
        items = self.items.rows[item_rows]
        product = self.inner(user_rows, self.past(user_rows)) * items[:, :-1]
        return product @ self.output + items[:, -1]

    def user_vectors(self, rows: Tensor) -> Tensor:
        """Return (B, D + 1) copies [p_u * h, 1]."""
        return self.vectors_of(self.inner(rows, self.past(rows)))

    def past(self, rows: Tensor) -> Past | None:
        """Return the last items of (B,) users; None without a context."""
        return None if self.context is None else self.context.of(rows)

    def inner(self, rows: Tensor, past: Past | None) -> Tensor:
        """Return (B, D) p_u of (B,) users whose last items are `past`."""
        own = self.users.rows.index_select(0, rows)
        return own if past is None else own + past.mean(self.items)

    def vectors_of(self, inner: Tensor) -> Tensor:
        """Return (B, D + 1) vectors [p_u * h, 1] of (B, D) p_u."""
        return torch.cat([inner * self.output, torch.ones(len(inner), 1)], dim=1)

    def item_vectors(self, rows: Tensor) -> Tensor:
        """Return (B, D + 1) copies [q_i, b_i]."""
        return self.items.rows.index_select(0, rows)

    def follow(self, users: Tensor, items: Tensor) -> None:
        """Let (B,) items be what their users chose last; without a context nothing changes."""
        if self.context is not None:
            self.context.follow(users, items)

    def forget_users(self, rows: Tensor) -> None:
        """Bring (B,) rows back to those of new users."""
        self.users.reset(rows)
        if self.context is not None:
            self.context.forget_users(rows)

    def forget_items(self, rows: Tensor) -> None:
        """Bring (B,) rows back to those of new items."""
        self.items.reset(rows)
        if self.context is not None:
            self.context.forget_items(rows)

    def tables(self) -> Tables:
        """Return the memory itself, for the loops that learn."""
        n_users = self.users.capacity
        no_context = np.zeros((n_users, 0), np.int32), np.zeros(0, np.float32), 0.0
        return Tables(
            self.users.rows.numpy(),
            self.items.rows.numpy(),
            self.items.state.numpy(),
            self.output.numpy(),
            *(no_context if self.context is None else self.context.arrays()),
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return everything learned, by name: views, not copies."""
        return {
            "output": self.output,
            **{f"users.{name}": tensor for name, tensor in self.users.tensors().items()},
            **{f"items.{name}": tensor for name, tensor in self.items.tensors().items()},
            **({} if self.context is None else {"context.latest": self.context.latest()}),
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over (copies of) what `tensors` returned."""
        self.output = tensors["output"].clone()
        for part, embedding in (("users", self.users), ("items", self.items)):
            embedding.load({name: tensors[f"{part}.{name}"] for name in embedding.tensors()})
        if self.context is not None:
            self.context.load(tensors["context.latest"])
