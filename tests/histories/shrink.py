"""Shorter histories that fail still, by delta debugging (Zeller and Hildebrandt 2002)."""

from collections.abc import Callable

from tests.histories.actions.steps import Step

Steps = list[Step]


def shrunk(steps: Steps, fails: Callable[[Steps], bool], kept: Callable[[Steps], Steps]) -> Steps:
    """Return a history of which no single step can be left out without it passing.

    Parts go first: halves, quarters, and so on, until single steps.

    Parameters
    ----------
    steps
        A history that fails.
    kept
        Returns those of some steps whose preconditions hold.
    """
    length = len(steps) // 2
    while length:
        shorter = _without_a_part(steps, length, fails, kept)
        if len(shorter) == len(steps):
            length //= 2
        else:
            steps, length = shorter, min(length, max(1, len(shorter) // 2))
    return steps


def _without_a_part(
    steps: Steps, length: int, fails: Callable[[Steps], bool], kept: Callable[[Steps], Steps]
) -> Steps:
    first = len(steps) - length
    while first > -length:
        shorter = kept(steps[: max(first, 0)] + steps[max(first, 0) + length :])
        # Of what is left a later part may go that could not before: the ends were looked at first.
        if len(shorter) < len(steps) and fails(shorter):
            steps = shorter
        first -= length
    return steps
