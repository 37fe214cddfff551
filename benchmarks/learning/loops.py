"""Three bare loops that learn a batch as a tutorial would write them: what speed there is to have.

Each takes B events and N negatives for each of them, and makes a step of pairwise ranking (BPR) with plain
SGD, D columns, no bias, no replay, no known positives, no growth.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Step = Callable[[Tensor, Tensor, Tensor], None]
"""Takes users (B,), positives (B,) and negatives (B, N)."""

_RATE = 0.05


def sparse_embedding(n_users: int, n_items: int, embedding_dim: int) -> Step:
    """Autograd with sparse gradients and the optimizer for them."""
    users = torch.nn.Embedding(n_users, embedding_dim, sparse=True)
    items = torch.nn.Embedding(n_items, embedding_dim, sparse=True)
    optimizer = torch.optim.SGD([*users.parameters(), *items.parameters()], lr=_RATE)

    def step(user_rows: Tensor, positives: Tensor, negatives: Tensor) -> None:
        vectors = users(user_rows).unsqueeze(1)
        logits = (vectors * items(torch.cat([positives.unsqueeze(1), negatives], dim=1))).sum(dim=2)
        loss = functional.softplus(logits[:, 1:] - logits[:, :1]).sum()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()

    return step


def index_add(n_users: int, n_items: int, embedding_dim: int) -> Step:
    """Gradients by hand, scattered into plain tensors."""
    users, items = torch.randn(n_users, embedding_dim) * 0.1, torch.randn(n_items, embedding_dim) * 0.1

    def step(user_rows: Tensor, positives: Tensor, negatives: Tensor) -> None:
        rows = torch.cat([positives.unsqueeze(1), negatives], dim=1)
        vectors, chosen = users[user_rows], items[rows]
        logits = torch.bmm(chosen, vectors.unsqueeze(2)).squeeze(2)
        by_logit = torch.sigmoid(logits[:, 1:] - logits[:, :1])
        by_logit = torch.cat([-by_logit.sum(dim=1, keepdim=True), by_logit], dim=1)
        by_user = torch.bmm(by_logit.unsqueeze(1), chosen).squeeze(1)
        by_item = by_logit.unsqueeze(2) * vectors.unsqueeze(1)
        users.index_add_(0, user_rows, by_user, alpha=-_RATE)
        items.index_add_(0, rows.flatten(), by_item.flatten(0, 1), alpha=-_RATE)

    return step


def embedding_bag(n_users: int, n_items: int, embedding_dim: int) -> Step:
    """Autograd with sparse gradients, where bags sum the negatives' vectors in one call.

    A bag's sum has one weight per bag member, so this is the logistic loss on the sum of the negatives:
    the cheapest form that the operator offers.
    """
    users = torch.nn.Embedding(n_users, embedding_dim, sparse=True)
    items = torch.nn.EmbeddingBag(n_items, embedding_dim, mode="sum", sparse=True)
    optimizer = torch.optim.SGD([*users.parameters(), *items.parameters()], lr=_RATE)

    def step(user_rows: Tensor, positives: Tensor, negatives: Tensor) -> None:
        vectors = users(user_rows)
        gain = (vectors * items(positives.unsqueeze(1))).sum(dim=1)
        cost = (vectors * items(negatives)).sum(dim=1) / negatives.shape[1]
        loss = functional.softplus(cost - gain).sum()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()

    return step


LOOPS = {"sparse embedding": sparse_embedding, "index_add": index_add, "embedding_bag": embedding_bag}
