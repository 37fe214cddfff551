"""Items that users asked for less like, as the trainer keeps them."""

import json
from typing import Any

import numpy as np
import pytest

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import LESS, RETRACT, EventWeights
from streamrec.domain.items.content_index import ContentIndex
from streamrec.domain.items.item_labels import ItemLabels
from streamrec.domain.users.less import MOST_LABELS, MOST_LESS
from streamrec.errors import UnfitState
from streamrec.learning.absorb import absorb
from streamrec.learning.initial.history import gather
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.state.user_less import UserLess
from streamrec.publishing.views import user_states
from streamrec.settings.processes import TrainerSettings
from tests.builders import GENERATION, LEARNING, WEIGHTS

MANY = tuple(f"label {n}" for n in range(100))


def rules_with(weights: EventWeights = WEIGHTS) -> LearningRules:
    return LearningRules(weights, False, ContentIndex(), lambda _: ItemLabels(MANY, MANY))


def said(*pairs: tuple[str, str]) -> list[Interaction]:
    return [Interaction("u", item_id, 100.0 + n, type_) for n, (type_, item_id) in enumerate(pairs)]


def trained(events: list[Interaction], weights: EventWeights = WEIGHTS) -> TrainerState:
    state = TrainerState(GENERATION, LEARNING, TrainerSettings())
    absorb(state, events, rules_with(weights), 0.0)
    return state


def asked_by(state: TrainerState) -> list[str]:
    return [one.item_id for one in state.user_less.of(state.user_ids.row("u"))]


def test_the_newest_are_kept_and_of_each_some_labels() -> None:
    state = trained(said(*((LESS, f"i{n}") for n in range(MOST_LESS + 5)), (LESS, "i7")))
    assert asked_by(state) == [*(f"i{n}" for n in range(5, MOST_LESS + 5) if n != 7), "i7"]
    (user,) = user_states(state, np.array([0]))
    assert user.less[-1].at == 100 + MOST_LESS + 5
    assert user.less[-1].categories == user.less[-1].tags == MANY[:MOST_LABELS]
    assert len(user.disliked) == MOST_LESS + 5


def test_it_is_taken_back_and_erased_with_its_user() -> None:
    state = trained(said((LESS, "a"), (LESS, "b"), ("dislike", "c"), (RETRACT, "a")))
    assert asked_by(state) == ["b"]
    state.forget_users(["u"])
    assert state.user_less.entries() == []


def test_a_word_that_somebody_gave_another_weight_asks_for_nothing() -> None:
    assert asked_by(trained(said((LESS, "a")), EventWeights({LESS: 2.0}))) == []
    assert asked_by(trained(said((LESS, "a")), EventWeights({LESS: 0.0, "view": 1.0}))) == []


def test_it_goes_on_from_a_checkpoint() -> None:
    state, again = trained(said((LESS, "a"), (LESS, "b"))), UserLess()
    again.load_entries(json.loads(json.dumps(state.user_less.entries())))
    assert again.of(0) == state.user_less.of(0)
    assert again.entries() == state.user_less.entries()


@pytest.mark.parametrize("spoiled", [{}, [5], [[0, "a"]], [[0, [["a", "when"]]]], "text"])
def test_what_can_not_be_read_is_refused(spoiled: Any) -> None:
    part = UserLess()
    with pytest.raises(UnfitState):
        part.load_entries(spoiled)
    assert part.entries() == []


def test_a_history_tells_it_as_the_stream_does() -> None:
    state = TrainerState(GENERATION, LEARNING, TrainerSettings())
    acting = gather(said((LESS, "a"), ("view", "a"), ("dislike", "b")), state, rules_with())
    assert acting.asks_less.tolist() == [True, False, False]
