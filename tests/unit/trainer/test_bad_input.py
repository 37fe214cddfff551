"""Streams that nobody wishes for: what is learned stays finite, and what is ranked stays sane."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.items.content_index import ContentIndex
from streamrec.learning.absorb import absorb
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import RankedItem
from streamrec.publishing.views import rankings
from streamrec.settings.processes import TrainerSettings
from tests.builders import GENERATION, LEARNING

WINDOWS = ("all", "week", "day", "hour", "recent")

BATCH = 1024


def absorbed(events: Sequence[Interaction], **settings: Any) -> TrainerState:
    chosen = TrainerSettings(**settings)
    state = TrainerState(GENERATION, LEARNING, chosen)
    weights = EventWeights(chosen.event_weights, chosen.default_event_weight)
    rules = LearningRules(weights, chosen.value_weight, ContentIndex())
    for first in range(0, len(events), BATCH):
        absorb(state, events[first : first + BATCH], rules, now=0.0)
    return state


def sane_rankings(state: TrainerState) -> dict[str, list[RankedItem]]:
    """Return the rankings, once they and all vectors are found to be finite and in order."""
    model = state.learner.model
    for vectors, ids in ((model.user_vectors, state.user_ids), (model.item_vectors, state.item_ids)):
        assert torch.isfinite(vectors(torch.arange(ids.n_rows))).all()
    ranked = rankings(state, {})
    assert set(ranked) == {*WINDOWS, "new", "promising", "latest", "trending"}
    for name in WINDOWS:
        scores = np.array([item.score for item in ranked[name]])
        assert len(scores) == min(1000, state.item_ids.n_rows)
        assert np.isfinite(scores).all()
        assert (np.diff(scores) <= 0).all()
        assert (scores > 0).all()
    return ranked


def stream(n: int, n_users: int = 20, n_items: int = 30, seed: int = 0) -> list[tuple[str, str]]:
    random = np.random.default_rng(seed)
    users, items = random.integers(0, n_users, n), random.integers(0, n_items, n)
    return [(f"u{user}", f"i{item}") for user, item in zip(users, items, strict=True)]


def test_a_stream_of_one_user() -> None:
    events = [Interaction("u", f"i{n % 50}", 1e9 + n) for n in range(5000)]
    ranked = sane_rankings(absorbed(events))
    for name in WINDOWS:
        assert max(item.score for item in ranked[name]) <= 1.0


def test_a_stream_of_one_item() -> None:
    ranked = sane_rankings(absorbed([Interaction(f"u{n % 99}", "i", 1e9 + n) for n in range(5000)]))
    assert [item.item_id for item in ranked["all"]] == ["i"]
    assert ranked["all"][0].score == pytest.approx(99.0)


def test_a_stream_of_one_user_and_one_item() -> None:
    ranked = sane_rankings(absorbed([Interaction("u", "i", 1e9 + n) for n in range(3000)]))
    assert all(0 < ranked[name][0].score <= 1.0 for name in WINDOWS)


def test_events_out_of_order_by_a_day() -> None:
    random = np.random.default_rng(3)
    late = random.random(3000) * 86_400
    events = [Interaction(user, item, 1e9 + 60 * n - late[n]) for n, (user, item) in enumerate(stream(3000))]
    state = absorbed(events)
    sane_rankings(state)
    assert state.clock.now <= 3000 * 3600


def test_all_timestamps_equal_leaves_the_window_in_events_to_tell_what_is_new() -> None:
    events = [Interaction(f"u{n}", "early" if n < 3000 else "late", 1e9) for n in range(5000)]
    ranked = sane_rankings(absorbed(events))
    for name in ("all", "week", "day", "hour"):
        assert [item.item_id for item in ranked[name]] == ["early", "late"]
    assert [item.item_id for item in ranked["recent"]] == ["late", "early"]


def robots_and_people(n_robots: int, n_events: int, n_people: int) -> list[Interaction]:
    """Return `n_events` in which each robot pushes an item of its own, and people choose among five."""
    random = np.random.default_rng(5)
    is_person = random.random(n_events) < 0.05
    robots, people = random.integers(0, n_robots, n_events), random.integers(0, n_people, n_events)
    return [
        Interaction(f"person{people[n]}", f"good{n % 5}", 1e9 + n)
        if is_person[n]
        else Interaction(f"robot{robots[n]}", f"junk{robots[n]}", 1e9 + n)
        for n in range(n_events)
    ]


def test_half_the_users_are_robots() -> None:
    state = absorbed(robots_and_people(10, 8000, n_people=10))
    ranked = sane_rankings(state)
    for name in WINDOWS:
        assert {item.item_id for item in ranked[name][:5]} == {f"good{n}" for n in range(5)}, name
    robot = state.learner.model.user_vectors(torch.tensor([state.user_ids.row("robot3")]))
    assert robot.abs().max() < 100


def test_values_scale_by_the_users_mean_and_stay_within_bounds() -> None:
    pairs = stream(3000)
    odd = [0.0, -5.0, 1e300, 1e-300, 3.0, None]
    events = [
        Interaction(user, item, 1e9 + n, value=odd[n % len(odd)]) for n, (user, item) in enumerate(pairs)
    ]
    ranked = sane_rankings(absorbed(events, value_weight=True))
    assert max(item.score for item in ranked["all"]) <= 5.0 * 20


def test_a_value_of_four_times_the_users_mean_counts_four_times() -> None:
    events = [Interaction(f"u{n % 50}", "usual", 1e9 + n, value=n % 50 + 1.0) for n in range(BATCH)]
    events.append(Interaction("u7", "loved", 2e9, value=4 * 8.0))
    ranked = sane_rankings(absorbed(events, value_weight=True))
    assert {item.item_id: item.score for item in ranked["all"]} == pytest.approx({"usual": 50, "loved": 4})
