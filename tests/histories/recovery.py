"""Recovery after faults: what was ended is started, what stands goes on, and all else happens by itself."""

import time

from tests.histories.actions.changes import CHANGES
from tests.histories.actions.steps import Step, WrongAnswer
from tests.histories.judge import wrong_after_all
from tests.histories.system.settings import SETTLE_S
from tests.histories.system.system import System
from tests.histories.truth import Truth

_PAUSE_S = 0.2

_STAYS_SO_S = SETTLE_S + 0.5
"""What is counted twice is so when it is counted the second time: by then whatever comes late has come."""


def recover(system: System, truth: Truth) -> None:
    """Let everything run, repeat changes without an answer, and wait until system and truth agree.

    What is right once has to be so a moment later, too.

    Raises
    ------
    WrongAnswer
        When they do not within the time that the system has for it.
    """
    _let_run(system, truth)
    deadline = time.monotonic() + system.recovers_within_s
    while truth.unsettled:
        _repeat(system, truth, *next(iter(truth.unsettled.values())))
        if time.monotonic() > deadline:
            raise WrongAnswer(f"{truth.unsettled} are not taken, although everything runs")
    was_right = False
    while True:
        wrong = system.ended_by_themselves() + wrong_after_all(system, truth)
        if not wrong and was_right:
            break
        if wrong and time.monotonic() > deadline:
            raise WrongAnswer(f"not after {system.recovers_within_s:g} s: {'; '.join(wrong)}")
        was_right = not wrong
        time.sleep(_STAYS_SO_S if was_right else _PAUSE_S)
    truth.is_promotion_open = False


def _let_run(system: System, truth: Truth) -> None:
    for name in system.parts:
        system.thaw(name)
    for name, state in truth.servers.items():
        assert system.servers is not None
        if state == "ended":
            system.servers.start(name)
        system.servers.mend(name)
    truth.servers = dict.fromkeys(truth.servers, "running")
    for name, part in system.parts.items():
        if not part.is_running:
            system.start(name)
    truth.parts = dict.fromkeys(truth.parts, "running")


def _repeat(system: System, truth: Truth, name: str, target: str) -> None:
    step, action = Step(name, target, 0), CHANGES[name]
    action.note(truth, step, action.act(system, truth, step))
