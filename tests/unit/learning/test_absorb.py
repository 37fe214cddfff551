"""Learning beside counting: the same as one after the other, and both have ended when either fails."""

import time
from typing import Any

import numpy as np
import pytest

from models.descent import LearnOutcome
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.observed import ObservedEvents
from streamrec.domain.items.content_index import ContentIndex
from streamrec.errors import UnsoundModel
from streamrec.learning import absorb as module
from streamrec.learning.absorb import absorb, processor_time
from streamrec.learning.learner import Learner
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.settings.processes import TrainerSettings
from tests.builders import GENERATION, LEARNING, WEIGHTS

RULES = LearningRules(WEIGHTS, False, ContentIndex())


def fresh() -> TrainerState:
    return TrainerState(GENERATION, LEARNING, TrainerSettings())


def some_events(n: int, seed: int) -> list[Interaction]:
    rng = np.random.default_rng(seed)
    users, items = rng.integers(0, 50, n).tolist(), rng.integers(0, 80, n).tolist()
    return [
        Interaction(f"u{user}", f"i{item}", 1.7e9 + number)
        for number, (user, item) in enumerate(zip(users, items, strict=True))
    ]


def after(n_batches: int) -> tuple[TrainerState, list[float]]:
    state = fresh()
    losses = [absorb(state, some_events(300, seed), RULES, 0.0).loss for seed in range(n_batches)]
    return state, losses


def test_beside_counting_the_same_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    beside, losses = after(3)
    monkeypatch.setattr(module, "_WORTH_A_THREAD", 10**9)
    alone, losses_alone = after(3)
    assert losses == losses_alone
    tensors, expected = beside.learner.state_tensors(), alone.learner.state_tensors()
    assert tensors.keys() == expected.keys()
    assert all(tensor.equal(expected[name]) for name, tensor in tensors.items())
    items = np.arange(beside.item_ids.n_rows)
    near, near_alone = (each.covisitation.neighbours(items, 5) for each in (beside, alone))
    assert near.supports.tolist() == near_alone.supports.tolist()


def test_learning_has_ended_when_counting_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    learn, ended = Learner.learn, list[int]()

    def learned(learner: Learner, *lessons: Any) -> LearnOutcome:
        outcome = learn(learner, *lessons)
        ended.append(len(lessons[0]))
        return outcome

    def fail(_state: TrainerState, _events: ObservedEvents, _now: float) -> dict[str, float]:
        raise MemoryError

    monkeypatch.setattr(Learner, "learn", learned)
    monkeypatch.setattr(TrainerState, "observe", fail)
    with pytest.raises(MemoryError):
        absorb(fresh(), some_events(5000, 1), RULES, 0.0)
    assert ended == [5000]


def test_a_damaged_model_is_told_of_from_the_thread() -> None:
    state = fresh()
    absorb(state, some_events(300, 1), RULES, 0.0)
    state.learner.model.items.rows[:] = float("nan")
    with pytest.raises(UnsoundModel):
        absorb(state, some_events(300, 2), RULES, 0.0)


def test_what_learning_beside_the_loop_takes_counts_as_the_loop_s() -> None:
    """A round takes in as many events as fit in its processor time."""
    state = fresh()
    absorb(state, some_events(300, 1), RULES, 0.0)
    beside, of_thread = processor_time(), time.thread_time()
    absorb(state, some_events(20_000, 2), RULES, 0.0)
    beside, of_thread = processor_time() - beside, time.thread_time() - of_thread
    assert beside > 1.1 * of_thread
