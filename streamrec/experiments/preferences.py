"""Preferences of users for the teams of mixed lists: credit compared within each user."""

from streamrec.domain.experiments.definition import Experiment
from streamrec.domain.experiments.outcomes import Moments, Preferences
from streamrec.domain.experiments.report import InterleavingReport
from streamrec.experiments.statistics.means import Difference, paired
from streamrec.experiments.statistics.sequences import (
    LEAST_USERS,
    PLANNED_PREFERENCES,
    sequence_bounds,
    sequence_p_value,
    share_bounds,
)


def interleaving_of(experiment: Experiment, preferences: Preferences) -> InterleavingReport:
    """Return the report about the variant with the clearest preference, for it or against it.

    The test is that of the mean difference of credit within users, whose inclination to click falls out so
    (Chapelle, Joachims, Radlinski, Yue 2012, Large-scale validation and analysis of interleaved search
    evaluation, section 5).
    """
    alpha = experiment.alpha / (len(experiment.names) - 1)
    found = {
        name: _credit(preferences.differences.get(name, Moments()))
        for name in experiment.names
        if name != experiment.control
    }
    clearest = min(found, key=lambda name: _p_value(found[name], alpha))
    credit, p_value = found[clearest], _p_value(found[clearest], alpha)
    more, less = preferences.against_control.get(clearest, (0, 0))
    return InterleavingReport(
        wins={name: preferences.wins.get(name, 0) for name in experiment.names},
        ties=preferences.ties,
        variant=clearest,
        win_rate=more / (more + less) if more + less else None,
        interval=share_bounds(more, less, alpha),
        credit_uplift=None if credit is None else credit.uplift,
        credit_interval=None if credit is None else sequence_bounds(credit, alpha, PLANNED_PREFERENCES),
        p_value=p_value,
        is_significant=p_value <= alpha,
    )


def _credit(sums: Moments) -> Difference | None:
    return paired(sums) if sums.n >= LEAST_USERS else None


def _p_value(credit: Difference | None, alpha: float) -> float:
    return 1.0 if credit is None else sequence_p_value(credit, alpha, PLANNED_PREFERENCES)
