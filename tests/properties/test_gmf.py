import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.context import Context
from models.gmf import GMF


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**31),
    embedding_dim=st.integers(1, 128),
    std=st.floats(0.001, 3.0),
    n_users=st.integers(1, 50),
    n_items=st.integers(1, 50),
)
def test_the_inner_product_of_the_vectors_is_the_logit(
    seed: int, embedding_dim: int, std: float, n_users: int, n_items: int
) -> None:
    model = GMF(embedding_dim, std, seed)
    model.grow_to(n_users, n_items)
    generator = torch.Generator().manual_seed(seed)
    model.output = torch.randn(embedding_dim, generator=generator)
    model.items.rows[:n_items, -1] = torch.randn(n_items, generator=generator)
    users = torch.randint(n_users, (20,), generator=generator)
    items = torch.randint(n_items, (20,), generator=generator)
    logits = model.logits(users, items)
    inner = (model.user_vectors(users) * model.item_vectors(items)).sum(dim=1)
    # float32 adds in another order: the error is measured against the size of the terms that are added.
    scale = (model.user_vectors(users) * model.item_vectors(items)).abs().sum(dim=1).clamp(min=1)
    assert ((inner - logits).abs() / scale).max() < 1e-5


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=6))
def test_growth_in_any_steps_leads_to_the_same_model(sizes: list[int]) -> None:
    stepwise, at_once = GMF(3, 0.1, 5), GMF(3, 0.1, 5)
    for size in sizes:
        stepwise.grow_to(size, size)
    at_once.grow_to(max(sizes), max(sizes))
    for name, tensor in at_once.tensors().items():
        assert torch.equal(tensor, stepwise.tensors()[name])


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**31),
    n_context=st.integers(1, 6),
    decay=st.floats(0.1, 1.0),
    floor=st.floats(0.0, 1.0),
    times=st.lists(st.integers(0, 10**9), max_size=12),
)
def test_the_inner_product_is_the_logit_also_with_a_context(
    seed: int, n_context: int, decay: float, floor: float, times: list[int]
) -> None:
    model = GMF(16, 0.5, seed, Context(n_context, decay, floor))
    model.grow_to(5, 20)
    generator = torch.Generator().manual_seed(seed)
    model.users.rows[:5] = torch.randn(5, 16, generator=generator)
    model.output = torch.randn(16, generator=generator)
    model.items.rows[:20, -1] = torch.randn(20, generator=generator)
    last: dict[int, list[tuple[int, int]]] = {user: [] for user in range(5)}
    for time in times:
        user, item = (int(torch.randint(high, (), generator=generator)) for high in (5, 20))
        model.follow(torch.tensor([user]), torch.tensor([item]), np.array([float(time)]))
        last[user] = [(item, time), *last[user]][:n_context]
    for user, choices in last.items():
        weights = [
            decay**age * (floor + (1 - floor) * math.exp(-abs(choices[0][1] - time) / model.context.scale_s))
            for age, (_, time) in enumerate(choices)
        ]
        own = model.users.rows[user].clone()
        for (item, _), weight in zip(choices, weights, strict=True):
            own += weight / sum(weights) * model.past.rows[item]
        vectors = model.item_vectors(torch.arange(20))
        logits = vectors[:, :-1] @ (own * model.output) + vectors[:, -1]
        row = torch.full((20,), user)
        torch.testing.assert_close(model.logits(row, torch.arange(20)), logits, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(vectors @ model.user_vectors(row[:1])[0], logits, rtol=1e-4, atol=1e-4)
