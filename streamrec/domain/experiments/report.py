"""Report of an experiment: what its results say, as the document store keeps them and the API answers them.

An interval of None says that nothing is known yet: users are too few, or their outcomes all the same.
Intervals of uplifts have a probability of 1 - alpha for all variants together; intervals of a mean, each.
"""

from typing import Literal

import msgspec

from streamrec.domain.experiments.definition import Verdict

Bounds = tuple[float, float]

Point = tuple[float, float, float, float]
"""Unix seconds, low bound, uplift, high bound."""

MAX_POINTS = 200


class MetricReport(msgspec.Struct, frozen=True):
    """Mean of a metric over the users whose outcome is complete, and its interval for one look."""

    n: int
    mean: float | None = None
    interval: Bounds | None = None


class VariantReport(msgspec.Struct, frozen=True):
    """Counts of one variant, and its metrics by name."""

    name: str
    n_users: int
    n_exposures: int
    metrics: dict[str, MetricReport]


class Look(msgspec.Struct, frozen=True):
    """A look of the group-sequential test, of a few that were planned before.

    Attributes
    ----------
    fraction
        Of the planned users that were there.
    z
        The uplift in standard errors.
    bound
        |z| from which on it is significant.
    """

    fraction: float
    z: float
    bound: float

    @property
    def is_beyond(self) -> bool:
        """Whether the uplift was significant."""
        return abs(self.z) >= self.bound


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One variant beside the control, in one metric.

    Attributes
    ----------
    uplift
        Difference of the means, adjusted for what users did before (CUPED).
    relative_uplift, relative_interval
        As a share of the control's mean; the interval is for one look.
    confidence_sequence, p_value, is_significant
        Valid at any time of reading, however often.
    fixed, fixed_p_value
        For one look at a time that was fixed before.
    cuped_ratio
        Variance of the uplift with the adjustment, of that without.
    detectable
        Least uplift that one look at so many users finds with a probability of .8.
    looks
        Of the group-sequential test; none where nobody planned a number of users.
    sequence
        Bounds of the confidence sequence over time, oldest first.
    """

    variant: str
    metric: str
    uplift: float | None = None
    relative_uplift: float | None = None
    relative_interval: Bounds | None = None
    confidence_sequence: Bounds | None = None
    fixed: Bounds | None = None
    p_value: float = 1.0
    fixed_p_value: float = 1.0
    is_significant: bool = False
    cuped_ratio: float = 1.0
    detectable: float | None = None
    looks: list[Look] = []
    sequence: list[Point] = []


class SampleRatio(msgspec.Struct, frozen=True):
    """Check of whether the variants have users by their weights; the p-value is valid at any time."""

    p_value: float
    alarm: bool


class InterleavingReport(msgspec.Struct, frozen=True):
    """Preferences of users for the teams of mixed lists.

    Attributes
    ----------
    wins
        Variant -> users who gave it more credit than any other.
    variant
        The one that the rest is about: that which users prefer, or prefer the control to, most clearly.
    win_rate, interval
        Of the users who prefer the variant or the control, the share that prefer the variant.
    credit_uplift, credit_interval
        Mean over users of the variant's credit less the control's. It decides, with `p_value`: who clicks
        more says more.

    All intervals and the p-value are valid at any time of reading.
    """

    wins: dict[str, int]
    ties: int
    variant: str
    win_rate: float | None
    interval: Bounds
    credit_uplift: float | None
    credit_interval: Bounds | None
    p_value: float
    is_significant: bool


class Funnel(msgspec.Struct, frozen=True):
    """Items shown by a variant, and what became of them."""

    impressions: int
    clicks: int
    purchases: int


class GuardrailReport(msgspec.Struct, frozen=True):
    """Metric that a variant may not lower: broken once it certainly has, at any time of reading.

    Attributes
    ----------
    excess
        Bounds of the variant's mean less what the guardrail asks for; broken when both are below 0.
    """

    metric: str
    variant: str
    state: Literal["ok", "broken"]
    excess: Bounds | None = None


class ExperimentResults(msgspec.Struct, frozen=True, kw_only=True):
    """Results of an experiment at one time, of its present era.

    Attributes
    ----------
    at
        Unix seconds.
    era
        Version of the definition with which the era began.
    users, exposures
        Of all variants; users of several are left out. Lists that were written down count as exposures, also
        those whose answer never arrived.
    """

    at: float
    era: int
    users: int
    exposures: int
    variants: list[VariantReport]
    comparisons: list[Comparison]
    sample_ratio: SampleRatio
    n_multiple_exposed: int
    interleaving: InterleavingReport | None
    funnel: dict[str, Funnel]
    guardrails: list[GuardrailReport]
    verdict: Verdict
