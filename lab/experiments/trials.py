"""Trials of the statistics themselves: experiments repeated on planted populations, whose truth is known."""

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from lab.experiments.ab_test import ABRules, ab_test, moments_of
from lab.experiments.click_model import ClickModel, Floats, simulated
from lab.experiments.planted import planted_attraction
from streamrec.domain.experiments.definition import Experiment, Variant
from streamrec.domain.experiments.outcomes import ExperimentOutcomes, Moments, VariantOutcomes
from streamrec.experiments.results import results_of
from streamrec.experiments.statistics.means import Bounds, difference
from streamrec.experiments.statistics.power import DEFAULT_POWER, Spread, n_for
from streamrec.experiments.statistics.shares import wilson

Bools = NDArray[np.bool_]

_K = 10
_METRIC = "depth"
"""Grows in proportion to attraction, so that a planted uplift is that of the metric."""


class Count(msgspec.Struct, frozen=True):
    """Trials with some outcome, of all, and the interval of their share (95 %)."""

    n: int
    of: int
    interval: Bounds

    @classmethod
    def among(cls, found: list[bool]) -> "Count":
        """Return the count of those that are true."""
        return cls(sum(found), len(found), wilson(sum(found), len(found)))

    @property
    def share(self) -> float:
        """Share of the trials."""
        return self.n / self.of


def alike(n_trials: int, n_users: int, seed: int, n_variants: int = 3) -> Count:
    """Count the A/A/n tests, one look each, in which some variant seems to differ after Holm's correction."""
    model = ClickModel()
    found = []
    for trial in range(n_trials):
        random = np.random.default_rng([seed, trial])
        attraction = planted_attraction(n_users, _K, random)
        names = ["control", *(f"variant {number}" for number in range(1, n_variants))]
        assignment = random.integers(n_variants, size=n_users)
        rules = ABRules("control", seed=int(random.integers(2**31)))
        report = ab_test(dict.fromkeys(names, attraction), assignment, model, rules)
        found.append(any(test.is_significant for test in report.tests if test.metric == "ctr"))
    return Count.among(found)


class PowerTrials(msgspec.Struct, frozen=True):
    """Tests that found a planted uplift, with as many users of each variant as the power formula asks for."""

    uplift: float
    promised: float
    n_users_each: int
    found: Count


def planted_uplift(
    n_trials: int, seed: int, uplift: float = 0.1, power: float = DEFAULT_POWER
) -> PowerTrials:
    """Count the A/B tests, one look each, that find a planted relative uplift, as often as promised."""
    model = ClickModel()
    random = np.random.default_rng([seed, 0])
    pilot = [
        simulated(planted_attraction(20_000, _K, random, more), model, random).metrics()[_METRIC]
        for more in (0.0, uplift)
    ]
    spread = Spread(*(float(values.std(ddof=1)) for values in pilot))
    n_users = n_for(uplift * float(pilot[0].mean()), spread, wanted=power)
    found = []
    for trial in range(1, n_trials + 1):
        random = np.random.default_rng([seed, trial])
        sums = [
            moments_of(
                simulated(planted_attraction(n_users, _K, random, more), model, random).metrics()[_METRIC]
            )
            for more in (0.0, uplift)
        ]
        tested = difference(*sums)
        found.append(tested is not None and tested.interval()[0] > 0)
    return PowerTrials(uplift, power, n_users, Count.among(found))


class PeekedTrials(msgspec.Struct, frozen=True):
    """A/A streams whose report was read again and again.

    Attributes
    ----------
    n_exposures, every
        Length of each stream, and exposures from one look to the next.
    decided
        Streams of which some look had a verdict other than to keep running.
    sample_ratio
        Streams with an alarm at some look.
    fixed
        Streams in which the test for one look, abused so, was significant at some look.
    """

    n_exposures: int
    every: int
    decided: Count
    sample_ratio: Count
    fixed: Count


def peeked(n_trials: int, n_exposures: int, seed: int, every: int = 100) -> PeekedTrials:
    """Read reports of A/A streams after every so many exposures, as live experiments work them out."""
    decided, alarms, fixed = [], [], []
    for trial in range(n_trials):
        reports = [
            results_of(_LIVE, outcomes, at=float(look))
            for look, outcomes in enumerate(_stream(n_exposures, every, np.random.default_rng([seed, trial])))
        ]
        decided.append(any(one.verdict.decision != "keep running" for one in reports))
        alarms.append(any(one.sample_ratio.alarm for one in reports))
        comparisons = [one.comparisons[0] for one in reports if one.comparisons[0].confidence_sequence]
        fixed.append(any(one.fixed_p_value < _LIVE.alpha for one in comparisons))
    return PeekedTrials(n_exposures, every, *(Count.among(found) for found in (decided, alarms, fixed)))


_LIVE = Experiment("trial", 1, (Variant("control"), Variant("variant")), "control", "ctr")


def _stream(n_exposures: int, every: int, random: np.random.Generator) -> Iterator[ExperimentOutcomes]:
    """Yield what has been counted at each look at users who come one after the other, both variants alike."""
    shown = simulated(planted_attraction(n_exposures, _K, random), ClickModel(), random)
    values = shown.metrics()["ctr"]
    is_variant = random.random(n_exposures) < 0.5
    ends = np.cumsum(shown.n_exposures)
    running = {
        name: running_sums(values, of) for name, of in (("control", ~is_variant), ("variant", is_variant))
    }
    for look in range(every, n_exposures + 1, every):
        n_users = int(ends.searchsorted(look, side="right"))
        if n_users:
            variants = {}
            for name, sums in running.items():
                n, total, squares = sums[n_users - 1].tolist()
                variants[name] = VariantOutcomes(
                    int(n), int(n), metrics={"ctr": Moments(int(n), total, squares)}
                )
            yield ExperimentOutcomes(variants)


def running_sums(values: Floats, of: Bools) -> Floats:
    """Return (U, 3) users, sums and sums of squares up to each of U users, of those that are counted."""
    counted = np.where(of, values, 0.0)
    sums: Floats = np.cumsum(np.column_stack([of, counted, counted * counted]), axis=0)
    return sums
