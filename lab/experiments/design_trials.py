"""Trials of both designs: A/B tests and mixed lists on the same planted rankings, read all the time."""

import msgspec
import numpy as np

from lab.experiments.click_model import ClickModel, Floats, simulated
from lab.experiments.multileaving import Ints, multileaved_credit
from lab.experiments.planted import planted_lists
from lab.experiments.trials import Bools, Count, running_sums
from streamrec.domain.experiments.outcomes import Moments
from streamrec.experiments.statistics.means import difference, paired
from streamrec.experiments.statistics.sequences import LEAST_USERS, PLANNED_PREFERENCES, sequence_p_value

_SHORT, _LONG = 10, 20
"""Lengths of lists: of those that are alike, and of those that are compared."""


def alike_mixed(n_trials: int, n_users: int, seed: int) -> Count:
    """Count the A/A streams of mixed lists in which some look, after every 20 users, decides."""
    model = ClickModel()
    found = []
    for trial in range(n_trials):
        random = np.random.default_rng([seed, trial])
        planted = planted_lists(n_users, random)
        twice = dict.fromkeys(("control", "variant"), planted.lists["control"])
        n_shown = model.lists_shown(n_users, random)
        credit = multileaved_credit(twice, n_shown, planted.of_items, model, _SHORT, trial)
        found.append(_decided_by_credit(credit, np.cumsum(n_shown), 20)[1] != 0)
    return Count.among(found)


class RatioTrials(msgspec.Struct, frozen=True):
    """Exposures until the better of two rankings is found, by always-valid tests, by each design.

    Attributes
    ----------
    interleaved, ab
        Mean exposures, of A/B by metric; a trial that ended undecided counts with all of its exposures.
    ratio
        Interleaved by A/B.
    n_undecided
        Tests that had not found it at the end, by design.
    n_wrong
        Tests of either design that found the worse one.
    """

    n_trials: int
    interleaved: float
    ab: dict[str, float]
    ratio: dict[str, float]
    n_undecided: dict[str, int]
    n_wrong: int


def exposures_needed(n_trials: int, n_users: int, seed: int, every: int = 20) -> RatioTrials:
    """Let both designs decide on the same users and rankings; results are read after every few users."""
    trials = [_decisions(n_users, every, np.random.default_rng([seed, trial])) for trial in range(n_trials)]
    mean = {design: float(np.mean([one[design][0] for one in trials])) for design in trials[0]}
    interleaved = mean.pop(_INTERLEAVED)
    return RatioTrials(
        n_trials,
        interleaved,
        mean,
        {metric: interleaved / exposures for metric, exposures in mean.items()},
        n_undecided={design: sum(one[design][1] == 0 for one in trials) for design in trials[0]},
        n_wrong=sum(decision[1] < 0 for one in trials for decision in one.values()),
    )


_Decision = tuple[int, int]
"""Exposures, and 1 for the better ranking, -1 for the worse, 0 for none."""

_INTERLEAVED = "interleaved"

_MIXED = 10
"""Of so many users of an A/B test, one is enough for an interleaved one."""


def _decisions(n_users: int, every: int, random: np.random.Generator) -> dict[str, _Decision]:
    planted = planted_lists(n_users, random, k=_LONG)
    model = ClickModel()
    is_variant = random.random(n_users) < 0.5
    items = np.where(is_variant[:, None], planted.lists["variant"], planted.lists["control"])
    shown = simulated(planted.of_items(np.arange(n_users), items), model, random)
    n_mixed = n_users // _MIXED
    lists = {name: of_users[:n_mixed] for name, of_users in planted.lists.items()}
    n_shown = model.lists_shown(n_mixed, random)
    credit = multileaved_credit(lists, n_shown, planted.of_items, model, _LONG, int(random.integers(2**31)))
    exposures, values = np.cumsum(shown.n_exposures), shown.metrics()
    return {
        _INTERLEAVED: _decided_by_credit(credit, np.cumsum(n_shown), every),
        **{
            metric: _decided_by_means(values[metric], is_variant, exposures, every)
            for metric in ("ctr", "depth")
        },
    }


def _decided_by_means(values: Floats, is_variant: Bools, exposures: Ints, every: int) -> _Decision:
    sums = [running_sums(values, of) for of in (~is_variant, is_variant)]
    for n in range(every, len(values) + 1, every):
        both = [Moments(int(one[n - 1, 0]), *one[n - 1, 1:].tolist()) for one in sums]
        found = difference(*both) if min(one.n for one in both) >= LEAST_USERS else None
        if found is not None and sequence_p_value(found, 0.05) <= 0.05:
            return int(exposures[n - 1]), 1 if found.uplift > 0 else -1
    return int(exposures[-1]), 0


def _decided_by_credit(credit: Ints, exposures: Ints, every: int) -> _Decision:
    sums = running_sums((credit[:, 1] - credit[:, 0]).astype(np.float64), credit.sum(axis=1) > 0)
    for n in range(every, len(credit) + 1, every):
        found = paired(Moments(int(sums[n - 1, 0]), *sums[n - 1, 1:].tolist()))
        if found is None or found.n < LEAST_USERS:
            continue
        if sequence_p_value(found, 0.05, PLANNED_PREFERENCES) <= 0.05:
            return int(exposures[n - 1]), 1 if found.uplift > 0 else -1
    return int(exposures[-1]), 0
