"""Mean of a metric over users, and differences of means: from sums alone, for one look planned before."""

import math
from typing import NamedTuple

import msgspec
from scipy.special import stdtr, stdtrit

from streamrec.domain.experiments.outcomes import Moments
from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.checks import refuse_bad_alpha

Bounds = tuple[float, float]

_ROUNDING = 4e-16
"""Of a sum, for each of its terms, as a share of it: a variance below this is that of equal numbers."""

_SAME = 1e-9
"""Distance of two means, as a share of them, below which they are one number summed up differently."""

_LEAST_LEFT = 1e-12
"""Share of a variance that a covariate leaves, at least; below it the covariate is the outcome itself."""


class Summary(NamedTuple):
    """Means, variances and covariance of outcome x and covariate y over n users, two or more."""

    n: int
    mean_x: float
    mean_y: float
    variance_x: float
    variance_y: float
    covariance: float


class Difference(NamedTuple):
    """Difference of a variant's mean and the control's.

    Attributes
    ----------
    uplift
        Variant less control; adjusted for the covariate where there is one.
    standard_error
        Of the uplift, above 0.
    n
        Users of both.
    degrees
        Degrees of freedom (Welch 1947, The generalization of "Student's" problem).
    control_mean
        Not adjusted; what a relative uplift is relative to.
    control_variance, control_covariance
        Of the control's mean, and of the control's adjusted mean with it.
    cuped_ratio
        Variance of the uplift with the adjustment, of that without: 1 where it brings nothing.
    """

    uplift: float
    standard_error: float
    n: int
    degrees: float
    control_mean: float
    control_variance: float
    control_covariance: float
    cuped_ratio: float

    def interval(self, alpha: float = 0.05) -> Bounds:
        """Return Welch's interval, which holds the true difference with probability 1 - alpha."""
        return _around(self.uplift, self.standard_error, self.degrees, alpha)

    def p_value(self) -> float:
        """Return the two-sided p-value of Welch's t-test of no difference."""
        return float(2 * stdtr(self.degrees, -abs(self.uplift) / self.standard_error))

    def relative(self) -> float | None:
        """Return the uplift as a share of the control's mean; None where that is 0, or next to it."""
        ratio = self.uplift / self.control_mean if self.control_mean else math.inf
        return ratio if math.isfinite(ratio) else None

    def relative_interval(self, alpha: float = 0.05) -> Bounds | None:
        """Return the interval of the relative uplift.

        By the delta method (Deng, Knoblich, Lu 2018, Applying the delta method in metric analytics, section
        2.2): it holds where the control's mean is many standard errors from 0, and is None where it is fewer
        than three.
        """
        ratio = self.relative()
        if ratio is None or self.control_mean * self.control_mean < 9 * self.control_variance:
            return None
        variance = (
            self.standard_error * self.standard_error
            + 2 * ratio * self.control_covariance
            + ratio * ratio * self.control_variance
        )
        error = math.sqrt(max(variance, 0.0)) / abs(self.control_mean)
        found = _around(ratio, error, self.degrees, alpha)
        return found if all(map(math.isfinite, found)) else None


def summary_of(moments: Moments) -> Summary | None:
    """Return what sums say of their users; None of fewer than two.

    Raises
    ------
    InvalidInput
        When a sum is not finite, or they are sums of no numbers: the square of a mean above the mean square.

    >>> summary_of(Moments().plus(1.0).plus(3.0))
    Summary(n=2, mean_x=2.0, mean_y=0.0, variance_x=2.0, variance_y=0.0, covariance=0.0)
    """
    n, sum_x, sum_xx, sum_y, sum_yy, sum_xy = msgspec.structs.astuple(moments)
    if not all(map(math.isfinite, (sum_x, sum_xx, sum_y, sum_yy, sum_xy))) or n < 0:
        raise InvalidInput(f"{moments} can't be sums over users: they are not finite")
    if n < 2:
        return None
    variance_x = _variance(n, sum_x, sum_xx, moments)
    variance_y = _variance(n, sum_y, sum_yy, moments)
    covariance = (sum_xy - sum_x * sum_y / n) / (n - 1)
    # What rounding leaves of a covariance may not exceed what the variances allow.
    limit = math.sqrt(variance_x) * math.sqrt(variance_y)
    return Summary(n, sum_x / n, sum_y / n, variance_x, variance_y, min(max(covariance, -limit), limit))


def mean_interval(moments: Moments, alpha: float = 0.05) -> Bounds | None:
    """Return Student's interval of the mean outcome; None of fewer than two users, or of equal outcomes."""
    summary = summary_of(moments)
    if summary is None or not summary.variance_x:
        return None
    return _around(summary.mean_x, math.sqrt(summary.variance_x / summary.n), summary.n - 1, alpha)


def difference(control: Moments, variant: Moments, *, keeping: float = 1.0) -> Difference | None:
    """Return how a variant's mean differs from the control's; None where nothing can be said.

    Where all users of the control have one outcome and all of the variant another, there is no variance to go
    by. It is then taken as if one user of each had had the outcome of the other: of n users who are all
    alike, the next one may still differ, about once in n.

    With a covariate it is CUPED's: of each outcome is taken what the covariate tells, by one coefficient for
    both, the pooled covariance by the pooled variance (Deng, Xu, Kohavi, Walker 2013, Improving the
    sensitivity of online controlled experiments by utilizing pre-experiment data, section 3.2).

    Parameters
    ----------
    keeping
        Share of the control's mean that the variant is compared with: .98 asks whether the variant loses
        more than 2 %.

    >>> control, variant = Moments(100, 50.0, 50.0), Moments(100, 60.0, 60.0)
    >>> found = difference(control, variant)
    >>> round(found.uplift, 3), round(found.p_value(), 4)
    (0.1, 0.1568)
    >>> difference(control, Moments()) is None
    True
    """
    a, b = summary_of(control), summary_of(variant)
    if a is None or b is None:
        return None
    theta = _coefficient(a, b)
    mean_y = (a.n * a.mean_y + b.n * b.mean_y) / (a.n + b.n)
    parts = [_variance_of_mean(a, theta) * keeping**2, _variance_of_mean(b, theta)]
    plain = a.variance_x / a.n * keeping**2 + b.variance_x / b.n
    variance = sum(parts)
    if variance <= 0 and plain <= 0:
        parts = _as_if_one_differed(a, b, keeping)
        variance = plain = sum(parts)
    if variance <= 0:
        return None
    shares = [part / variance for part in parts]
    degrees = 1 / sum(share * share / (n - 1) for share, n in zip(shares, (a.n, b.n), strict=True))
    return Difference(
        uplift=_adjusted(b, theta, mean_y) - keeping * _adjusted(a, theta, mean_y),
        standard_error=math.sqrt(variance),
        n=a.n + b.n,
        degrees=degrees,
        control_mean=a.mean_x,
        control_variance=a.variance_x / a.n,
        control_covariance=(a.variance_x - theta * a.covariance) / a.n,
        cuped_ratio=variance / plain if plain > 0 else 1.0,
    )


def paired(differences: Moments) -> Difference | None:
    """Return the mean of differences within users, beside 0; None where nothing can be said.

    >>> found = paired(Moments().plus(1.0).plus(2.0).plus(3.0))
    >>> found and (found.uplift, round(found.p_value(), 4))
    (2.0, 0.0742)
    """
    summary = summary_of(differences)
    if summary is None or not summary.variance_x:
        return None
    error = math.sqrt(summary.variance_x / summary.n)
    return Difference(summary.mean_x, error, summary.n, summary.n - 1, 0.0, 0.0, 0.0, 1.0)


def _coefficient(a: Summary, b: Summary) -> float:
    covariance = (a.n - 1) * a.covariance + (b.n - 1) * b.covariance
    variance = (a.n - 1) * a.variance_y + (b.n - 1) * b.variance_y
    return covariance / variance if variance > 0 else 0.0


def _adjusted(summary: Summary, theta: float, mean_y: float) -> float:
    return summary.mean_x - theta * (summary.mean_y - mean_y)


def _variance_of_mean(summary: Summary, theta: float) -> float:
    adjusted = summary.variance_x - 2 * theta * summary.covariance + theta * theta * summary.variance_y
    return adjusted / summary.n if adjusted > _LEAST_LEFT * summary.variance_x else 0.0


def _as_if_one_differed(a: Summary, b: Summary, keeping: float) -> list[float]:
    """Return variances of two means of outcomes without any; 0 where both means are the same."""
    apart = b.mean_x - keeping * a.mean_x
    if abs(apart) <= _SAME * max(abs(a.mean_x), abs(b.mean_x)):
        return [0.0, 0.0]
    return [apart * apart / (one.n * one.n) for one in (a, b)]


def _variance(n: int, total: float, total_of_squares: float, moments: Moments) -> float:
    around = total_of_squares - total * total / n
    rounding = _ROUNDING * (n + 8) * total_of_squares
    if around < -rounding:
        raise InvalidInput(f"{moments} can't be sums over users: the sum of squares is too small")
    return around / (n - 1) if around > rounding else 0.0


def _around(middle: float, standard_error: float, degrees: float, alpha: float) -> Bounds:
    refuse_bad_alpha(alpha)
    reach = -float(stdtrit(degrees, alpha / 2)) * standard_error
    return middle - reach, middle + reach
