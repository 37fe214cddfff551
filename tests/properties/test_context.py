"""Vectors that are formed of published values: those of the model that published them."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.context import Context
from models.context_tables import shares_after
from models.gmf import GMF
from streamrec.domain.users.aging import vector_after
from streamrec.domain.users.context import ContextRules, Weighing, second_of, vector_with
from streamrec.publishing.views import aging_vectors

N_ITEMS = 8
USER = torch.tensor([0])

times = st.one_of(st.integers(-5, 200), st.integers(0, 2**33), st.just(4_102_444_800))
choices = st.lists(st.tuples(st.integers(0, N_ITEMS - 1), times), max_size=9)


def model_of(seed: int, rules: ContextRules) -> GMF:
    model = GMF(4, 0.5, seed, Context(rules.n, rules.decay, rules.floor))
    model.grow_to(1, N_ITEMS)
    generator = torch.Generator().manual_seed(seed)
    model.users.rows[0] = torch.randn(4, generator=generator)
    model.output = torch.randn(4, generator=generator)
    return model


def follow(model: GMF, chosen: list[tuple[int, int]]) -> None:
    """Let them be the user's last items; how long gaps are in the stream stays as it is."""
    scale = model.context.tables().scale.copy()
    if chosen:
        items, at = zip(*chosen, strict=True)
        users = torch.zeros(len(items), dtype=torch.int64)
        model.follow(users, torch.tensor(items), np.array(at, np.float64))
    model.context.tables().scale[:] = scale


def newest_first(chosen: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(item, second_of(at)) for item, at in reversed(chosen)]


all_rules = st.builds(
    ContextRules, n=st.integers(0, 6), decay=st.floats(0.05, 1.0), floor=st.just(0.0) | st.floats(1e-3, 1.0)
)


@settings(deadline=None)
@given(rules=all_rules, chosen=choices)
def test_shares_are_those_of_the_model(rules: ContextRules, chosen: list[tuple[int, int]]) -> None:
    model = model_of(0, rules)
    follow(model, chosen)
    known = newest_first(chosen)[: rules.n]
    weights = Weighing(rules, model.context.scale_s).weights([at for _, at in known])
    expected = shares_after(model.context.tables(), np.array([0]), 0.0)[0]
    shares = weights / weights.sum() if len(weights) else weights
    assert expected[: len(known)] == pytest.approx(shares, rel=1e-5)
    assert not expected[len(known) :].any()


@settings(deadline=None)
@given(rules=all_rules, seed=st.integers(0, 2**31), known=choices, fresh=choices)
def test_a_vector_with_fresh_choices_is_what_the_model_has_once_they_are_its_context(
    rules: ContextRules, seed: int, known: list[tuple[int, int]], fresh: list[tuple[int, int]]
) -> None:
    model = model_of(seed, rules)
    follow(model, known)
    published = model.user_vectors(USER)[0].numpy()
    past = dict(enumerate((model.past.rows[:N_ITEMS] * model.output).numpy()))
    weighing = Weighing(rules, model.context.scale_s)
    formed = vector_with(published, newest_first(known), newest_first(fresh), past, weighing)
    follow(model, fresh)
    assert formed == pytest.approx(model.user_vectors(USER)[0].numpy(), rel=1e-4, abs=1e-5)


@settings(deadline=None)
@given(rules=all_rules, seed=st.integers(0, 2**31), fresh=choices)
def test_a_new_users_vector_is_that_of_a_new_row(
    rules: ContextRules, seed: int, fresh: list[tuple[int, int]]
) -> None:
    model = model_of(seed, rules)
    model.users.rows[0] = 0
    follow(model, fresh)
    past = dict(enumerate((model.past.rows[:N_ITEMS] * model.output).numpy()))
    formed = vector_with(None, [], newest_first(fresh), past, Weighing(rules, model.context.scale_s))
    if not fresh or not rules.n:
        assert formed is None
    else:
        assert formed == pytest.approx(model.user_vectors(USER)[0].numpy(), rel=1e-4, abs=1e-5)


pauses = st.one_of(st.floats(0, 400), st.floats(0, 2**33), st.just(0.0))


@settings(deadline=None)
@given(rules=all_rules, seed=st.integers(0, 2**31), chosen=choices, pause_s=pauses)
def test_a_vector_ages_as_the_model_has_it(
    rules: ContextRules, seed: int, chosen: list[tuple[int, int]], pause_s: float
) -> None:
    model = model_of(seed, rules)
    follow(model, chosen)
    vectors, (aging,) = aging_vectors(model, USER, model.past_of(USER))
    aged = vector_after(vectors.numpy().astype("<f4").tobytes(), aging, pause_s, model.context.scale_s)
    expected = model.user_vectors(USER, pause_s)[0].numpy()
    # The change is published in half the digits.
    assert np.frombuffer(aged, "<f4") == pytest.approx(expected, rel=5e-3, abs=5e-3)


def test_an_item_weighs_less_the_longer_ago_it_was_chosen() -> None:
    weights = Weighing(ContextRules(4, 0.9, 0.1), 10.0).weights([100, 95, 95, 0])
    assert all(earlier < later for later, earlier in pairwise(weights.tolist()))
