"""Histories as initial training reads them."""

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import RETRACT
from streamrec.domain.items.content_index import ContentIndex
from streamrec.learning.effective import EffectiveEvents
from streamrec.learning.initial.history import gather
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.settings.processes import TrainerSettings
from tests.builders import GENERATION, LEARNING, WEIGHTS

RULES = LearningRules(WEIGHTS, False, ContentIndex())


def gathered(*said: tuple[str, str, str]) -> tuple[EffectiveEvents, TrainerState]:
    state = TrainerState(GENERATION, LEARNING, TrainerSettings())
    events = [
        Interaction(user_id, item_id, float(second), type_, event_id=str(second))
        for second, (user_id, type_, item_id) in enumerate(said)
    ]
    return gather([*events, *events], state, RULES), state


def test_what_was_taken_back_later_is_no_part_of_a_history() -> None:
    acting, state = gathered(
        ("u", "view", "a"), ("u", "view", "b"), ("v", "view", "a"), ("u", "dislike", "c"),
        ("u", RETRACT, "a"), ("u", "view", "a"), ("u", RETRACT, "c"), ("w", "view", "d"), ("w", RETRACT, "d"),
    )  # fmt: skip
    users, items = state.user_ids.ids_at(acting.user_rows.tolist()), acting.item_ids
    assert list(zip(users, items, acting.timestamps.tolist(), strict=True)) == [
        ("u", "b", 1.0), ("v", "a", 2.0), ("u", "a", 5.0)
    ]  # fmt: skip
    assert sorted(state.user_ids.ids()) == ["u", "v"]
    assert sorted(state.item_ids.ids()) == ["a", "b"]


def test_a_history_of_nothing_but_what_was_taken_back_is_empty() -> None:
    acting, state = gathered(
        ("u", RETRACT, "a"), ("u", "view", "a"), ("u", RETRACT, "a"), ("u", RETRACT, "b")
    )
    assert len(acting.user_rows) == len(acting.item_ids) == 0
    assert len(state.user_ids) == len(state.item_ids) == 0
