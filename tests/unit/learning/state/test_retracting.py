"""What was said and taken back is as if it had not been said, as far as the counts allow."""

import numpy as np
import pytest
import torch

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import RETRACT
from streamrec.domain.items.content_index import ContentIndex
from streamrec.domain.items.item_labels import ItemLabels
from streamrec.domain.users.user import NO_PROFILE, UserState
from streamrec.learning.absorb import absorb
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.publishing.views import user_states
from streamrec.settings.processes import TrainerSettings
from tests.builders import GENERATION, LEARNING, WEIGHTS

RULES = LearningRules(WEIGHTS, False, ContentIndex(), lambda item_id: ItemLabels((f"of {item_id}",), ("t",)))


def trained(*said: tuple[str, str, str]) -> TrainerState:
    """Return a state that learned (user, type, item), a second apart."""
    state = TrainerState(GENERATION, LEARNING, TrainerSettings())
    learn(state, *said)
    return state


def learn(state: TrainerState, *said: tuple[str, str, str]) -> None:
    events = [
        Interaction(user_id, item_id, 1.7e9 + second, type_)
        for second, (user_id, type_, item_id) in enumerate(said)
    ]
    absorb(state, events, RULES, 0.0)


def user_of(state: TrainerState, user_id: str) -> UserState:
    (user,) = user_states(state, state.user_ids.rows_of([user_id]))
    return user


def popularity_of(state: TrainerState, item_id: str) -> list[float]:
    row = state.item_ids.row(item_id)
    return [float(state.popularity.scores(window)[row]) for window in state.popularity.windows]


OTHERS = [("v", "view", "a"), ("v", "view", "b"), ("w", "view", "a")]


def test_of_a_choice_that_was_taken_back_nothing_is_left_in_the_user() -> None:
    state = trained(*OTHERS, ("u", "view", "b"), ("u", "view", "a"), ("u", RETRACT, "a"))
    user, row = user_of(state, "u"), state.user_ids.row("u")
    assert user.recent == ("b",)
    assert len(user.recent_at) == 1
    assert user.n_events == 1
    assert [use.name for use in user.profile.categories] == ["of b"]
    items = state.item_ids.rows_of(["a", "b"])
    assert state.learner.known_among(row, items).tolist() == [False, True]
    past = state.learner.model.past_of(torch.tensor([row]))
    assert past.items[past.shares > 0].tolist() == items[1:].tolist()


def test_an_item_is_as_popular_as_it_was_before_the_choice() -> None:
    before = popularity_of(trained(*OTHERS, ("u", "view", "b"), ("u", "impression", "b")), "a")
    after = popularity_of(trained(*OTHERS, ("u", "view", "b"), ("u", "view", "a"), ("u", RETRACT, "a")), "a")
    # Windows in events went on by the one that was taken back.
    assert after[:4] == pytest.approx(before[:4], rel=1e-3)
    assert after[4] == pytest.approx(before[4], rel=2e-3)


def test_a_dislike_that_was_taken_back_is_none() -> None:
    state = trained(*OTHERS, ("u", "dislike", "a"), ("u", "dislike", "z"), ("u", RETRACT, "a"))
    assert user_of(state, "u").disliked == ("z",)
    learn(state, ("u", RETRACT, "z"))
    assert user_of(state, "u").disliked == ()


def test_who_took_everything_back_is_as_new() -> None:
    state = trained(*OTHERS, *[("u", "view", f"i{n}") for n in range(9)], ("u", "dislike", "a"))
    learn(state, *[("u", RETRACT, item_id) for item_id in (*(f"i{n}" for n in range(9)), "a")])
    user = user_of(state, "u")
    assert (user.recent, user.recent_at, user.disliked, user.n_events) == ((), (), (), 0)
    assert user.profile == NO_PROFILE
    assert user.vector is not None
    assert np.frombuffer(user.vector, "<f4")[:-1].tolist() == [0.0] * (len(user.vector) // 4 - 1)


def test_what_is_said_again_counts_again() -> None:
    again = trained(*OTHERS, ("u", "view", "a"), ("u", RETRACT, "a"), ("u", "view", "a"))
    once = trained(*OTHERS, ("u", "view", "a"))
    assert user_of(again, "u").recent == user_of(once, "u").recent == ("a",)
    assert popularity_of(again, "a")[:4] == pytest.approx(popularity_of(once, "a")[:4], rel=1e-3)


def test_others_keep_what_they_said() -> None:
    state = trained(*OTHERS, ("u", "view", "a"), ("u", RETRACT, "a"))
    assert user_of(state, "v").recent == ("a", "b")
    assert user_of(state, "w").recent == ("a",)


def test_nobody_becomes_known_by_taking_back() -> None:
    state = trained(*OTHERS, ("x", RETRACT, "a"), ("v", RETRACT, "unheard of"))
    assert "x" not in state.user_ids
    assert "unheard of" not in state.item_ids
    assert user_of(state, "v").recent == ("a", "b")
    assert (state.counters.n_retracted, state.counters.n_recorded, state.counters.n_events) == (2, 0, 5)


def test_an_older_choice_keeps_its_place_and_its_time() -> None:
    said = [("u", "view", f"i{n}") for n in range(6)]
    state, other = (
        trained(*said, ("u", RETRACT, "i3")),
        trained(*said[:3], ("u", "impression", "i3"), *said[4:]),
    )
    assert user_of(state, "u").recent == user_of(other, "u").recent == ("i0", "i1", "i2", "i4", "i5")
    assert user_of(state, "u").recent_at == user_of(other, "u").recent_at
