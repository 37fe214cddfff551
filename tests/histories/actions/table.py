"""Every action by its name."""

from tests.histories.actions.changes import CHANGES
from tests.histories.actions.faults import FAULTS
from tests.histories.actions.generations import GENERATIONS
from tests.histories.actions.offers import OFFERS
from tests.histories.actions.steps import Action, Outcome, Step
from tests.histories.recovery import recover
from tests.histories.system.system import System
from tests.histories.truth import Truth


def _settle(system: System, truth: Truth, _step: Step) -> Outcome:
    recover(system, truth)
    return Outcome()


def _note_settled(truth: Truth, _step: Step, _outcome: Outcome) -> None:
    """Note that everything runs; what nobody knew was done, which a plan knows of no case of."""
    truth.parts = dict.fromkeys(truth.parts, "running")
    truth.servers = dict.fromkeys(truth.servers, "running")
    truth.is_promotion_open = False


ACTIONS: dict[str, Action] = {
    **CHANGES,
    **OFFERS,
    **FAULTS,
    **GENERATIONS,
    "settle": Action(0.7, lambda truth: [""], _settle, _note_settled),
}


def is_possible(truth: Truth, step: Step) -> bool:
    """Return whether a step's precondition holds."""
    return step.target in ACTIONS[step.action].targets(truth)


def take(system: System, truth: Truth, step: Step) -> None:
    """Do a step, and note what is true then."""
    action = ACTIONS[step.action]
    action.note(truth, step, action.act(system, truth, step))
