"""Value of a policy that was never shown, estimated from lists that another one showed by chance.

Each impression brings the probability with which it was shown, the one that the policy in question would have
shown it with, and its reward. Impressions of one user depend on each other, so errors are those of sums over
users (Liang, Zeger 1986, Longitudinal data analysis using generalized linear models: the sandwich).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.checks import finite, refuse_bad_alpha
from streamrec.experiments.statistics.means import Bounds

Column = NDArray[np.float64]


class Logged(NamedTuple):
    """Impressions as they were logged, as columns of N.

    Attributes
    ----------
    users
        Whose impression it is, as whole numbers; which numbers does not matter.
    propensities
        Probability of what was shown under the policy that showed it: above 0, at most 1.
    targets
        The same under the policy in question: 0 to 1.
    rewards
        Such as 1 for a click.
    """

    users: ArrayLike
    propensities: ArrayLike
    targets: ArrayLike
    rewards: ArrayLike


class Expected(NamedTuple):
    """Rewards as a model expects them, as columns of N; made without the impressions that it is used on.

    Attributes
    ----------
    of_shown
        Of what was shown.
    of_target
        Of what the policy in question would have shown in its place, by its probabilities.
    """

    of_shown: ArrayLike
    of_target: ArrayLike


class Estimate(NamedTuple):
    """Mean reward of an impression, and its interval; None where there are fewer than two users."""

    value: float
    interval: Bounds | None


class OffPolicy(NamedTuple):
    """Estimates of the mean reward of an impression under a policy that was never shown.

    Attributes
    ----------
    logged
        Mean reward of the policy that was shown.
    ips
        Inverse propensity scores: without bias, of large variance (Horvitz, Thompson 1952).
    snips
        Self-normalized: a bias that vanishes with n, of smaller variance, and the same wherever rewards have
        their zero (Swaminathan, Joachims 2015, The self-normalized estimator for counterfactual learning).
    doubly_robust
        With a model of the rewards: without bias if either the propensities or the model are right (Dudik,
        Langford, Li 2011, Doubly robust policy evaluation and learning). None: no model was given.
    mean_weight
        Of the weights, target by propensity. It is 1 within its interval if the propensities are those of
        the policy that was shown, and if that showed all that the other one would.
    effective_n
        Impressions without weights that would tell as much (Kish 1965, Survey sampling).
    n_clipped
        Weights that were cut: the estimates are too low by what they had beyond.
    """

    n: int
    n_users: int
    logged: Estimate
    ips: Estimate
    snips: Estimate
    doubly_robust: Estimate | None
    mean_weight: Estimate
    effective_n: float
    n_clipped: int

    @property
    def is_supported(self) -> bool:
        """Whether the weights may have a mean of 1: else no estimate is to be relied on."""
        bounds = self.mean_weight.interval
        return bounds is None or bounds[0] <= 1.0 <= bounds[1]


def off_policy(
    logged: Logged, expected: Expected | None = None, *, alpha: float = 0.05, max_weight: float = math.inf
) -> OffPolicy:
    """Return the estimates for a policy.

    Parameters
    ----------
    alpha
        An interval misses the true value with this probability.
    max_weight
        Larger weights are cut to it: less variance for some bias (Ionides 2008, Truncated importance
        sampling).

    Raises
    ------
    InvalidInput
        When columns have different lengths or hold what they can't, or there is no impression.

    >>> shown = Logged([1, 1, 2, 3], [0.5, 0.5, 0.5, 0.5], [1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0])
    >>> found = off_policy(shown)
    >>> found.ips.value, found.snips.value, found.effective_n
    (0.5, 0.5, 2.0)
    """
    refuse_bad_alpha(alpha)
    if not max_weight > 0:
        raise InvalidInput(f"max_weight {max_weight}: wanted a number above 0")
    propensities, targets, rewards = _checked(logged)
    users = _by_user(logged.users, len(rewards))
    raw = targets / propensities
    weights = np.minimum(raw, max_weight)
    mean = _Means(users, alpha)
    total = float(weights.sum())
    snips = float((weights * rewards).sum()) / total if total else 0.0
    doubly_robust = None
    if expected is not None:
        of_shown, of_target = (
            _column(name, values, len(rewards)) for name, values in expected._asdict().items()
        )
        doubly_robust = mean.of(of_target + weights * (rewards - of_shown))
    squares = float((weights * weights).sum())
    return OffPolicy(
        n=len(rewards),
        n_users=mean.n_users,
        logged=mean.of(rewards),
        ips=mean.of(weights * rewards),
        # Of a ratio of sums, by the delta method.
        snips=mean.around(snips, weights * (rewards - snips), total) if total else Estimate(0.0, None),
        doubly_robust=doubly_robust,
        mean_weight=mean.of(weights),
        effective_n=total * total / squares if squares else 0.0,
        n_clipped=int((raw > max_weight).sum()),
    )


class _Means:
    """Means over impressions, with errors of sums over users."""

    def __init__(self, users: NDArray[np.int64], alpha: float) -> None:
        self._users, self._alpha = users, alpha
        self.n_users = int(users.max()) + 1

    def of(self, values: Column) -> Estimate:
        """Return the mean of (N,) values."""
        mean = float(values.mean())
        return self.around(mean, values - mean, len(values))

    def around(self, value: float, residuals: Column, total: float) -> Estimate:
        """Return an estimate whose error is the sum of (N,) residuals, divided by a total."""
        n = self.n_users
        if n < 2:
            return Estimate(value, None)
        sums = np.bincount(self._users, residuals, minlength=n)
        error = math.sqrt(float((sums * sums).sum()) * n / (n - 1)) / total
        reach = float(stdtrit(n - 1, 1 - self._alpha / 2)) * error
        return Estimate(value, (value - reach, value + reach))


def _checked(logged: Logged) -> tuple[Column, Column, Column]:
    rewards = finite("rewards", logged.rewards)
    propensities = _column("propensities", logged.propensities, len(rewards))
    targets = _column("targets", logged.targets, len(rewards))
    n_bad = int(((propensities <= 0) | (propensities > 1)).sum())
    if n_bad:
        raise InvalidInput(
            f"propensities: {n_bad} are not above 0 and at most 1: leave out what was shown without chance"
        )
    n_bad = int(((targets < 0) | (targets > 1)).sum())
    if n_bad:
        raise InvalidInput(f"targets: {n_bad} do not lie between 0 and 1")
    return propensities, targets, rewards


def _column(name: str, values: ArrayLike, n: int) -> Column:
    column = finite(name, values)
    if column.shape != (n,):
        raise InvalidInput(f"{name}: shape {column.shape}, wanted ({n},) as the rewards have")
    return column


def _by_user(users: ArrayLike, n: int) -> NDArray[np.int64]:
    """Return (N,) numbers of users, from 0 without gaps."""
    given = np.asarray(users)
    if given.shape != (n,):
        raise InvalidInput(f"users: shape {given.shape}, wanted ({n},) as the rewards have")
    return np.unique(given, return_inverse=True)[1].reshape(-1)
