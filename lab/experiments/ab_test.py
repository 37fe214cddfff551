"""A/B/n test on simulated users: each sees the list of one model, and the models' users are compared."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from lab.experiments.click_model import ClickModel, Floats, simulated
from streamrec.domain.experiments.assignment import hasher
from streamrec.domain.experiments.outcomes import Moments
from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.means import Bounds, difference, mean_interval
from streamrec.experiments.statistics.multiplicity import holm
from streamrec.experiments.statistics.power import DEFAULT_POWER, errors_apart
from streamrec.experiments.statistics.rank_test import mann_whitney
from streamrec.experiments.statistics.sample_ratio import ALARM, chi_square_p_value

METRICS = ("ctr", "depth", "purchase_rate")


class ABRules(msgspec.Struct, frozen=True):
    """Rules of an experiment; `power` is that for which the least detectable uplift is told."""

    control: str
    alpha: float = 0.05
    power: float = DEFAULT_POWER
    seed: int = 0


class VariantFigures(msgspec.Struct, frozen=True):
    """Users of one variant, and the mean and interval of each metric."""

    n_users: int
    n_exposures: int
    means: dict[str, float]
    intervals: dict[str, Bounds | None]


class VariantTest(msgspec.Struct, frozen=True):
    """One variant beside the control in one metric.

    Attributes
    ----------
    uplift, interval, relative_uplift, relative_interval
        Of the means; the intervals are Welch's and the delta method's, not corrected for several tests.
    p_value
        Of the rank test, corrected by Holm over all variants of the metric.
    superiority
        Share of pairs of users in which the variant's has more.
    detectable
        Least uplift that so many users find with the wanted power, corrected for the number of variants.
    """

    variant: str
    metric: str
    uplift: float | None
    interval: Bounds | None
    relative_uplift: float | None
    relative_interval: Bounds | None
    p_value: float
    is_significant: bool
    superiority: float
    detectable: float | None


class ABReport(msgspec.Struct, frozen=True):
    """Result of an A/B/n test.

    Attributes
    ----------
    sample_ratio_p_value, sample_ratio_alarm
        Whether the variants have as many users as they should.
    """

    control: str
    alpha: float
    variants: dict[str, VariantFigures]
    tests: list[VariantTest]
    sample_ratio_p_value: float
    sample_ratio_alarm: bool


def assigned(user_ids: Sequence[str], n_variants: int, experiment: str) -> NDArray[np.int64]:
    """Return (U,) the position of each user's variant, by the hash that live experiments assign by."""
    point = hasher("variant", experiment)
    return (np.array([point(user_id) for user_id in user_ids]) * n_variants).astype(np.int64)


def ab_test(
    attraction: Mapping[str, Floats], assignment: NDArray[np.int64], model: ClickModel, rules: ABRules
) -> ABReport:
    """Return the report of an experiment in which every user is shown one list.

    Parameters
    ----------
    attraction
        Variant -> (U, K) of the items on each user's list.
    assignment
        (U,) position of the user's variant.

    Raises
    ------
    InvalidInput
        When there is no control among the variants, none besides it, or one without users.
    """
    names = list(attraction)
    if rules.control not in names or len(names) < 2:
        raise InvalidInput(f"variants {', '.join(names)}: wanted {rules.control!r}, the control, and another")
    counts = np.bincount(assignment, minlength=len(names))
    empty = [name for name, count in zip(names, counts.tolist(), strict=True) if not count]
    if empty:
        raise InvalidInput(f"no user has {', '.join(empty)}: {len(assignment)} users are too few")
    values: dict[str, dict[str, Floats]] = {}
    figures: dict[str, VariantFigures] = {}
    for number, (name, of_users) in enumerate(attraction.items()):
        random = np.random.default_rng([rules.seed, number])
        shown = simulated(of_users[assignment == number], model, random)
        values[name] = {metric: shown.metrics()[metric] for metric in METRICS}
        figures[name] = _figures(values[name], int(shown.n_exposures.sum()), rules.alpha)
    p_value = chi_square_p_value(counts.tolist(), [1.0] * len(names))
    return ABReport(rules.control, rules.alpha, figures, _tests(values, rules), p_value, p_value < ALARM)


def moments_of(values: Floats) -> Moments:
    """Return the sums of (U,) outcomes.

    >>> moments_of(np.array([1.0, 3.0]))
    Moments(n=2, sum_x=4.0, sum_xx=10.0, sum_y=0.0, sum_yy=0.0, sum_xy=0.0)
    """
    return Moments(len(values), float(values.sum()), float(values @ values))


def _figures(values: Mapping[str, Floats], n_exposures: int, alpha: float) -> VariantFigures:
    sums = {metric: moments_of(of_users) for metric, of_users in values.items()}
    return VariantFigures(
        n_users=next(iter(sums.values())).n,
        n_exposures=n_exposures,
        means={metric: one.sum_x / one.n for metric, one in sums.items()},
        intervals={metric: mean_interval(one, alpha) for metric, one in sums.items()},
    )


def _tests(values: Mapping[str, Mapping[str, Floats]], rules: ABRules) -> list[VariantTest]:
    others = [name for name in values if name != rules.control]
    tests = []
    for metric in METRICS:
        control = values[rules.control][metric]
        ranks = [mann_whitney(control, values[name][metric]) for name in others]
        corrected = holm([one.p_value for one in ranks]).tolist()
        for name, rank, p_value in zip(others, ranks, corrected, strict=True):
            found = difference(moments_of(control), moments_of(values[name][metric]))
            apart = errors_apart(rules.alpha / len(others), rules.power)
            tests.append(
                VariantTest(
                    variant=name,
                    metric=metric,
                    uplift=None if found is None else found.uplift,
                    interval=None if found is None else found.interval(rules.alpha),
                    relative_uplift=None if found is None else found.relative(),
                    relative_interval=None if found is None else found.relative_interval(rules.alpha),
                    p_value=p_value,
                    is_significant=p_value <= rules.alpha,
                    superiority=rank.superiority,
                    detectable=None if found is None else apart * found.standard_error,
                )
            )
    return tests
