"""Histories out of a seed."""

from random import Random

from tests.histories.actions.steps import Outcome, Step
from tests.histories.actions.table import ACTIONS, is_possible
from tests.histories.truth import Place, Truth


def generated(seed: int, n_actions: int, place: Place) -> list[Step]:
    """Return a history; the same of the same seed."""
    chance, truth = Random(seed), Truth(place)
    steps: list[Step] = []
    while len(steps) < n_actions:
        possible = {name: list(action.targets(truth)) for name, action in ACTIONS.items()}
        names = [name for name, targets in possible.items() if targets]
        (name,) = chance.choices(names, [ACTIONS[one].weight for one in names])
        step = Step(name, chance.choice(possible[name]), chance.randrange(10**9))
        ACTIONS[name].note(truth, step, Outcome())
        steps.append(step)
    return steps


def kept(steps: list[Step], place: Place) -> list[Step]:
    """Return the steps whose preconditions hold, each after those that are kept before it."""
    truth, found = Truth(place), []
    for step in steps:
        if is_possible(truth, step):
            ACTIONS[step.action].note(truth, step, Outcome())
            found.append(step)
    return found
