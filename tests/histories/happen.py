"""Lets a history happen to a system, and looks after each step whether anything is wrong."""

import time
from collections.abc import Sequence

from tests.histories.actions.steps import Step, WrongAnswer
from tests.histories.actions.table import is_possible, take
from tests.histories.judge import wrong_at_any_time
from tests.histories.recovery import recover
from tests.histories.system.system import System
from tests.histories.truth import Truth

_GONE_AFTER_S = 0.5
"""What was hidden or deleted so long ago is offered by nobody."""


class Failed(AssertionError):
    """A history that does not end as it should; says after which step, and what was wrong."""


def happen(system: System, steps: Sequence[Step]) -> None:
    """Do all steps, look after each, let everything recover, and look once more.

    A step whose precondition does not hold is left out: what may happen depends on what was answered before.

    Raises
    ------
    Failed
        When something is wrong.
    """
    system.begin_history()
    happening = _Happening(system)
    for number, step in enumerate(steps):
        happening.do(step, f"step {number}, {step.action} {step.target}")
    happening.end()


class _Happening:
    def __init__(self, system: System) -> None:
        self._system = system
        self._truth = Truth(system.place)
        self._gone_at: dict[str, float] = {}

    def do(self, step: Step, where: str) -> None:
        """Do a step, if it is possible now, and look whether anything is wrong."""
        if not is_possible(self._truth, step):
            return
        try:
            take(self._system, self._truth, step)
        except WrongAnswer as error:
            raise Failed(f"{where}: {error}") from error
        self._note_gone()
        wrong = self._system.ended_by_themselves()
        if self._truth.parts["recommender"] == "running":
            wrong += wrong_at_any_time(self._system, self._truth, self._gone(), step.number)
        if wrong:
            raise Failed(f"{where}: {'; '.join(wrong)}")

    def end(self) -> None:
        """Let everything recover."""
        try:
            recover(self._system, self._truth)
        except WrongAnswer as error:
            raise Failed(str(error)) from error

    def _note_gone(self) -> None:
        gone = self._truth.items_in("hidden", "deleted")
        self._gone_at = {item_id: self._gone_at.get(item_id, time.monotonic()) for item_id in gone}

    def _gone(self) -> set[str]:
        """Return what nobody may offer now: while servers are away, a recommender that is new can't know."""
        until, started_at = time.monotonic() - _GONE_AFTER_S, self._system.recommender_started_at
        is_told = self._truth.are_servers_sound
        return {
            item_id for item_id, at in self._gone_at.items() if at < until and (is_told or at > started_at)
        }
