"""Sample ratio: whether the variants have as many users as their weights say.

When they do not, users got lost on one side, and no other figure of the experiment can be believed (Fabijan
et al. 2019, Diagnosing sample ratio mismatch in online controlled experiments).
"""

import math
from collections.abc import Sequence

from scipy.special import chdtrc, gammaln

from streamrec.experiments.statistics.checks import refuse_bad_counts

ALARM = 0.001
"""Probability below which a ratio is an alarm."""

_CONCENTRATION = 300.0
"""Of the Dirichlet mixture around the wanted shares: it looks for shares that are off by some percent."""


def chi_square_p_value(counts: Sequence[int], weights: Sequence[float]) -> float:
    """Return Pearson's p-value of counts being as the weights say, for one look; 1 of nobody.

    >>> round(chi_square_p_value([5000, 5300], [1, 1]), 5)
    0.00312
    """
    refuse_bad_counts(counts, weights)
    n, total = sum(counts), sum(weights)
    if not n:
        return 1.0
    wanted = [n * weight / total for weight in weights]
    statistic = sum((count - one) ** 2 / one for count, one in zip(counts, wanted, strict=True))
    return float(chdtrc(len(counts) - 1, statistic))


def sequential_p_value(counts: Sequence[int], weights: Sequence[float]) -> float:
    """Return a p-value of the same that may be read at any time, as often as wanted; 1 of nobody.

    One by the Bayes factor of a multinomial with a Dirichlet mixture around the wanted shares, against the
    wanted shares themselves (Lindon, Malek 2022, Anytime-valid inference for multinomial count data, section
    3). It does not depend on the order in which users came.

    >>> sequential_p_value([5000, 5300], [1, 1]) > 0.01 > sequential_p_value([50_000, 53_000], [1, 1])
    True
    """
    refuse_bad_counts(counts, weights)
    total = sum(weights)
    shares = [weight / total for weight in weights]
    log_factor = float(gammaln(_CONCENTRATION) - gammaln(_CONCENTRATION + sum(counts)))
    for count, share in zip(counts, shares, strict=True):
        prior = _CONCENTRATION * share
        log_factor += float(gammaln(prior + count) - gammaln(prior)) - count * math.log(share)
    return min(1.0, math.exp(min(-log_factor, 0.0)))
