"""Outcomes of experiments: sums from which every figure of a report can be worked out, and nothing of a user.

Sums can be added: of two parts of a log, of two processes, of yesterday and today.
"""

from collections.abc import Mapping

import msgspec


class Moments(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Sums over users of an outcome x and of a covariate y, known before the exposure.

    Attributes
    ----------
    n
        Users.
    sum_x, sum_xx
        Of the outcomes and of their squares.
    sum_y, sum_yy, sum_xy
        Of the covariates, of their squares, and of the products of both; all 0 where there is no covariate.

    >>> Moments().plus(2.0, 1.0).plus(3.0) + Moments().plus(1.0)
    Moments(n=3, sum_x=6.0, sum_xx=14.0, sum_y=1.0, sum_yy=1.0, sum_xy=2.0)
    """

    n: int = 0
    sum_x: float = 0.0
    sum_xx: float = 0.0
    sum_y: float = 0.0
    sum_yy: float = 0.0
    sum_xy: float = 0.0

    def plus(self, outcome: float, before: float = 0.0) -> "Moments":
        """Return the sums with one more user: outcome, and rate before the first exposure."""
        return self + Moments(1, outcome, outcome * outcome, before, before * before, outcome * before)

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(
            self.n + other.n,
            self.sum_x + other.sum_x,
            self.sum_xx + other.sum_xx,
            self.sum_y + other.sum_y,
            self.sum_yy + other.sum_yy,
            self.sum_xy + other.sum_xy,
        )


class VariantOutcomes(msgspec.Struct):
    """Counts and sums of one variant.

    Attributes
    ----------
    n_users
        Users with an exposure, whether or not their outcome is complete; without those of several variants.
    n_exposures
        Lists that they were shown.
    n_impressions
        Items of these lists.
    n_clicks, n_purchases
        Events that are attributed to these exposures.
    metrics
        Name of the metric -> sums over the users whose outcome is complete.

    >>> VariantOutcomes(1, 2, metrics={"clicks": Moments().plus(3.0)}) + VariantOutcomes(n_clicks=4)
    VariantOutcomes(n_users=1, n_exposures=2, n_impressions=0, n_clicks=4, n_purchases=0, \
metrics={'clicks': Moments(n=1, sum_x=3.0, sum_xx=9.0, sum_y=0.0, sum_yy=0.0, sum_xy=0.0)})
    """

    n_users: int = 0
    n_exposures: int = 0
    n_impressions: int = 0
    n_clicks: int = 0
    n_purchases: int = 0
    metrics: dict[str, Moments] = {}

    def add(self, metric: str, outcome: float, before: float = 0.0) -> None:
        """Add a user's complete outcome in one metric."""
        self.metrics[metric] = self.metrics.get(metric, Moments()).plus(outcome, before)

    def __add__(self, other: "VariantOutcomes") -> "VariantOutcomes":
        names = self.metrics.keys() | other.metrics.keys()
        return VariantOutcomes(
            self.n_users + other.n_users,
            self.n_exposures + other.n_exposures,
            self.n_impressions + other.n_impressions,
            self.n_clicks + other.n_clicks,
            self.n_purchases + other.n_purchases,
            {
                name: self.metrics.get(name, Moments()) + other.metrics.get(name, Moments())
                for name in sorted(names)
            },
        )


class Preferences(msgspec.Struct):
    """Users by the team of interleaved lists that they gave more credit.

    Attributes
    ----------
    wins
        Variant -> users who gave it more credit than any other.
    ties
        Users with credit for several variants, and for none of them the most.
    against_control
        Variant -> users who gave it more credit than the control, and less.
    differences
        Variant -> sums over users of its credit less the control's.

    >>> preferences = Preferences()
    >>> preferences.add({"a": 2, "b": 1}, control="a")
    >>> preferences.add({"a": 1, "b": 1}, control="a")
    >>> preferences.add({"a": 0, "b": 0}, control="a")
    >>> preferences
    Preferences(wins={'a': 1}, ties=1, against_control={'b': (0, 1)}, differences={'b': Moments(n=2, \
sum_x=-1.0, sum_xx=1.0, sum_y=0.0, sum_yy=0.0, sum_xy=0.0)})
    """

    wins: dict[str, int] = {}
    ties: int = 0
    against_control: dict[str, tuple[int, int]] = {}
    differences: dict[str, Moments] = {}

    def add(self, credit: Mapping[str, float], control: str) -> None:
        """Add a user's credit by variant, all of them; a user who gave none says nothing of the variants."""
        highest = max(credit.values(), default=0.0)
        if highest <= 0:
            return
        best = [variant for variant, one in credit.items() if one == highest]
        if len(best) == 1:
            self.wins[best[0]] = self.wins.get(best[0], 0) + 1
        else:
            self.ties += 1
        of_control = credit.get(control, 0.0)
        for variant, one in credit.items():
            if variant != control:
                more, less = self.against_control.get(variant, (0, 0))
                self.against_control[variant] = (more + (one > of_control), less + (one < of_control))
                sums = self.differences.get(variant, Moments())
                self.differences[variant] = sums.plus(float(one - of_control))


class ExperimentOutcomes(msgspec.Struct):
    """Everything that was counted of one era of an experiment.

    Attributes
    ----------
    variants
        By name; of an experiment that interleaves, one that is called `INTERLEAVED`.
    n_multiple_exposed
        Users who were shown lists of several variants, and are counted in none.
    preferences
        Of an experiment that interleaves.
    """

    variants: dict[str, VariantOutcomes] = {}
    n_multiple_exposed: int = 0
    preferences: Preferences | None = None
