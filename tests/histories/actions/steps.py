"""Steps of a history, and what an action is."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tests.histories.system.system import System
from tests.histories.truth import USERS, Truth


class Step(NamedTuple):
    """An action, what it is done to, and a number that all else about it is drawn from."""

    action: str
    target: str
    number: int


class Outcome(NamedTuple):
    """What became of a step: whether it was acknowledged, and what was told."""

    is_certain: bool = True
    told: str = ""


class Action(NamedTuple):
    """One kind of action.

    Attributes
    ----------
    weight
        How often it is drawn, beside the others.
    targets
        Gives what it may be done to now: its precondition.
    act
        Does it, to the system.
    note
        Notes what is true afterwards.
    """

    weight: float
    targets: Callable[[Truth], Iterable[str]]
    act: Callable[[System, Truth, Step], Outcome]
    note: Callable[[Truth, Step, Outcome], None]


class WrongAnswer(Exception):
    """An answer that nobody should get."""


def users_of_a_sound_log(truth: Truth) -> list[str]:
    """Return the users whose events may be appended by another client than ours: it has to reach the log."""
    is_sound = truth.place == "embedded" or truth.servers["kafka"] == "running"
    return [one for one in USERS if one not in truth.unsettled] if is_sound else []


def note_nothing(_truth: Truth, _step: Step, _outcome: Outcome) -> None:
    """Leave the truth as it is."""
