"""Generalized matrix factorization with an item bias.

He et al. 2017, Neural Collaborative Filtering, section 3.2, with the output activation left to the loss:
``logit = h . (p_u * q_i) + b_i``.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from models.embedding import GrowableEmbedding


class GMF:
    """User and item embeddings of D entries, an output layer `h` and a bias per item.

    An item's row holds [q_i, b_i], so the inner product of a user vector [p_u * h, 1] and an item vector is
    the logit itself: what an index ranks by is what was trained.

    Attributes
    ----------
    users
        Rows p_u, (U, D).
    items
        Rows [q_i, b_i], (I, D + 1). Their optimizer state is how much was learned of each, in events.
    output
        h, (D,). The stream must not change it: every published user vector contains it.

    >>> model = GMF(embedding_dim=4, std=0.1, seed=1)
    >>> model.grow_to(n_users=3, n_items=2)
    >>> users, items = torch.tensor([0, 2]), torch.tensor([1, 0])
    >>> inner = (model.user_vectors(users) * model.item_vectors(items)).sum(dim=1)
    >>> torch.allclose(inner, model.logits(users, items))
    True
    """

    def __init__(self, embedding_dim: int, std: float, seed: int) -> None:
        self.embedding_dim = embedding_dim
        self.users = GrowableEmbedding(embedding_dim, std, 2 * seed)
        self.items = GrowableEmbedding(
            embedding_dim + 1, std, 2 * seed + 1, n_zero_columns=1, n_state_columns=1
        )
        self.output = torch.ones(embedding_dim)

    def grow_to(self, n_users: int, n_items: int) -> None:
        """Have at least so many rows."""
        self.users.grow_to(n_users)
        self.items.grow_to(n_items)

    def logits(self, user_rows: Tensor, item_rows: Tensor) -> Tensor:
        """Return (B,) logits of (B,) pairs."""
        items = self.items.rows[item_rows]
        product = self.users.rows[user_rows] * items[:, :-1]
        return product @ self.output + items[:, -1]

    def user_vectors(self, rows: Tensor) -> Tensor:
        """Return (B, D + 1) copies [p_u * h, 1]."""
        scaled = self.users.rows.index_select(0, rows) * self.output
        return torch.cat([scaled, torch.ones(len(rows), 1)], dim=1)

    def item_vectors(self, rows: Tensor) -> Tensor:
        """Return (B, D + 1) copies [q_i, b_i]."""
        return self.items.rows.index_select(0, rows)

    def tensors(self) -> dict[str, Tensor]:
        """Return everything learned, by name: views, not copies."""
        return {
            "output": self.output,
            **{f"users.{name}": tensor for name, tensor in self.users.tensors().items()},
            **{f"items.{name}": tensor for name, tensor in self.items.tensors().items()},
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over (copies of) what `tensors` returned."""
        self.output = tensors["output"].clone()
        for part, embedding in (("users", self.users), ("items", self.items)):
            embedding.load({name: tensors[f"{part}.{name}"] for name in embedding.tensors()})
