"""Comparisons of a variant with the control in one metric, by each kind of test."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from streamrec.domain.experiments.definition import Guardrail
from streamrec.domain.experiments.outcomes import Moments
from streamrec.domain.experiments.report import MAX_POINTS, Comparison, GuardrailReport, Look, Point
from streamrec.experiments.statistics import group_sequential, power
from streamrec.experiments.statistics.means import Difference, difference
from streamrec.experiments.statistics.sequences import (
    LEAST_USERS,
    PLANNED_USERS,
    sequence_bounds,
    sequence_p_value,
)

LOOKS = (0.25, 0.5, 0.75, 1.0)
"""Fractions of the planned users at which the group-sequential test looks."""

_ROUNDS = MAX_POINTS // 2
"""A point of a sequence stays when it is this part of the whole time after the one before it."""


class Rules(NamedTuple):
    """Rules that a comparison is judged by.

    Attributes
    ----------
    alpha
        Of this comparison alone.
    planned
        Variant -> users of it and the control together; empty: nobody planned.
    at
        Unix seconds.
    """

    alpha: float
    planned: Mapping[str, int]
    at: float

    def n_narrowest(self, variant: str) -> int:
        """Return at how many users a variant's confidence sequence is made narrowest."""
        return self.planned.get(variant, PLANNED_USERS)


def compared(both: tuple[Moments, Moments], before: Comparison, rules: Rules) -> Comparison:
    """Return the figures that the sums of the control and of a variant give.

    Parameters
    ----------
    before
        Names the variant and the metric, and brings the history: looks, and bounds of the sequence.
    """
    control, treated = both
    found = difference(control, treated)
    if found is None:
        # All outcomes are one number: the variants do not differ, and nothing bounds by how much they may.
        return msgspec.structs.replace(before, uplift=0.0) if min(control.n, treated.n) >= 2 else before
    bounds, p_value = None, 1.0
    if min(control.n, treated.n) >= LEAST_USERS:
        n_narrowest = rules.n_narrowest(before.variant)
        bounds = sequence_bounds(found, rules.alpha, n_narrowest)
        p_value = sequence_p_value(found, rules.alpha, n_narrowest)
    return Comparison(
        variant=before.variant,
        metric=before.metric,
        uplift=found.uplift,
        relative_uplift=found.relative(),
        relative_interval=found.relative_interval(rules.alpha),
        confidence_sequence=bounds,
        fixed=found.interval(rules.alpha),
        p_value=p_value,
        fixed_p_value=found.p_value(),
        is_significant=p_value <= rules.alpha,
        cuped_ratio=found.cuped_ratio,
        detectable=power.errors_apart(rules.alpha) * found.standard_error,
        looks=_looks(before, found, rules),
        sequence=before.sequence
        if bounds is None
        else _points(before.sequence, found.uplift, bounds, rules.at),
    )


def guarded(
    variant: str, guardrail: Guardrail, both: tuple[Moments, Moments], rules: Rules
) -> GuardrailReport:
    """Return whether a variant keeps all but the guardrail's share of the control's mean.

    It is compared with that share of the control's mean, not by the ratio: so nothing has to be assumed of
    how far the mean is from 0.
    """
    found = difference(*both, keeping=1 - guardrail.max_drop)
    if found is None or min(one.n for one in both) < LEAST_USERS:
        return GuardrailReport(guardrail.metric, variant, "ok")
    excess = sequence_bounds(found, rules.alpha, rules.n_narrowest(variant))
    return GuardrailReport(guardrail.metric, variant, "broken" if excess[1] < 0 else "ok", excess)


def _looks(before: Comparison, found: Difference, rules: Rules) -> list[Look]:
    """Return the looks taken, with one of now where the next planned number of users is reached."""
    taken = list(before.looks)
    if before.variant not in rules.planned:
        return taken
    fraction = min(1.0, found.n / rules.planned[before.variant])
    last = taken[-1].fraction if taken else 0.0
    if any(last < planned <= fraction for planned in LOOKS):
        fractions = [*(look.fraction for look in taken), fraction]
        bound = group_sequential.bounds(fractions, rules.alpha)[-1]
        taken.append(Look(fraction, found.uplift / found.standard_error, bound))
    return taken


def _points(before: Sequence[Point], uplift: float, bounds: tuple[float, float], at: float) -> list[Point]:
    """Return the points of a sequence with one of now, at most `MAX_POINTS`, evenly over the whole time.

    The last point gives way to one of now while it is close to the one before it. A clock that was set back
    changes nothing until it has caught up.
    """
    points = list(before)
    if points and at < points[-1][0]:
        return points
    if points and (at == points[-1][0] or _is_close(points, at)):
        points.pop()
    points.append((at, bounds[0], uplift, bounds[1]))
    return points if len(points) <= MAX_POINTS else [*points[:-1:2], points[-1]]


def _is_close(points: Sequence[Point], at: float) -> bool:
    return len(points) > 1 and points[-1][0] - points[-2][0] < (at - points[0][0]) / _ROUNDS
