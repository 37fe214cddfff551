"""Team-draft multileaving on simulated users: each sees one list mixed of all models' lists."""

from collections.abc import Callable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from lab.experiments.ab_test import ABRules
from lab.experiments.click_model import ClickModel, Floats
from streamrec.domain.experiments.interleaving import team_draft
from streamrec.domain.experiments.outcomes import Preferences
from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.bootstrap import mean_bounds, paired_difference
from streamrec.experiments.statistics.means import Bounds
from streamrec.experiments.statistics.multiplicity import holm
from streamrec.experiments.statistics.shares import sign_test, wilson

Ints = NDArray[np.int64]

NO_ITEM = -1
"""Stands behind the end of a list."""

Attraction = Callable[[Ints, Ints], Floats]
"""(N,) users, (N, K) items, `NO_ITEM` behind the end -> (N, K) how much each attracts, there 0."""


class PreferenceTest(msgspec.Struct, frozen=True):
    """Users who prefer a variant to the control.

    Attributes
    ----------
    win_rate, interval
        Of the users who give one of both more credit, the share that gives it the variant; Wilson's interval.
    p_value
        Of the exact sign test, corrected by Holm over the variants.
    credit_uplift, credit_interval
        Mean credit per user less the control's, by the paired bootstrap.
    """

    variant: str
    wins: int
    losses: int
    win_rate: float | None
    interval: Bounds
    p_value: float
    is_significant: bool
    credit_uplift: float
    credit_interval: Bounds


class MultileavingReport(msgspec.Struct, frozen=True):
    """Result of a multileaved experiment.

    Attributes
    ----------
    wins
        Variant -> users who gave it more credit than any other.
    credits, credit_intervals
        Variant -> mean clicks on its items per user, and the bootstrap's interval.
    """

    control: str
    n_users: int
    n_exposures: int
    wins: dict[str, int]
    ties: int
    credits: dict[str, float]
    credit_intervals: dict[str, Bounds]
    tests: list[PreferenceTest]


def multileaved_credit(  # noqa: PLR0913 lists and users, each with what is needed of them
    lists: Mapping[str, Ints], n_shown: Ints, attraction: Attraction, model: ClickModel, k: int, seed: int
) -> Ints:
    """Return (U, V) the clicks of each user on items of each variant, in mixed lists drawn anew each time.

    Parameters
    ----------
    lists
        Variant -> (U, L) items, best first, `NO_ITEM` behind the end.
    n_shown
        (U,) how many lists each user is shown.
    """
    users = np.repeat(np.arange(len(n_shown)), n_shown)
    items = np.full((len(users), k), NO_ITEM)
    teams = np.zeros((len(users), k), np.int64)
    columns = [of_users.tolist() for of_users in lists.values()]
    for line, user in enumerate(users.tolist()):
        ranked = [[item for item in of_users[user] if item != NO_ITEM] for of_users in columns]
        drafted = team_draft(ranked, k, seed=f"{seed} {line}")
        items[line, : len(drafted.items)] = drafted.items
        teams[line, : len(drafted.teams)] = drafted.teams
    chances = model.chances(attraction(users, items))
    is_clicked = np.random.default_rng(seed).random(chances.shape) < chances
    credit = np.zeros((len(n_shown), len(lists)), np.int64)
    lines, positions = np.nonzero(is_clicked)
    np.add.at(credit, (users[lines], teams[lines, positions]), 1)
    return credit


def multileaving_report(credit: Ints, n_shown: Ints, names: list[str], rules: ABRules) -> MultileavingReport:
    """Return what (U, V) credits say of the variants, the users having been shown (U,) lists.

    Raises
    ------
    InvalidInput
        When there is no control among the names, or no user.
    """
    control, alpha, seed = rules.control, rules.alpha, rules.seed
    if control not in names or len(names) < 2 or not len(credit):
        raise InvalidInput(f"{len(credit)} users, variants {', '.join(names)}: wanted users and {control!r}")
    preferences = Preferences()
    for of_user in credit.tolist():
        preferences.add(dict(zip(names, of_user, strict=True)), control)
    bounds = mean_bounds(credit, seed, alpha)
    others = [name for name in names if name != control]
    against = {name: preferences.against_control.get(name, (0, 0)) for name in others}
    corrected = holm([sign_test(*against[name]) for name in others]).tolist()
    columns = {name: credit[:, number].astype(np.float64) for number, name in enumerate(names)}
    tests = []
    for name, p_value in zip(others, corrected, strict=True):
        more, less = against[name]
        paired = paired_difference(columns[control], columns[name], seed, alpha)
        tests.append(
            PreferenceTest(
                variant=name,
                wins=more,
                losses=less,
                win_rate=more / (more + less) if more + less else None,
                interval=wilson(more, more + less, alpha),
                p_value=p_value,
                is_significant=p_value <= alpha,
                credit_uplift=paired.mean,
                credit_interval=paired.interval,
            )
        )
    return MultileavingReport(
        control=control,
        n_users=len(credit),
        n_exposures=int(n_shown.sum()),
        wins={name: preferences.wins.get(name, 0) for name in names},
        ties=preferences.ties,
        credits={name: float(column.mean()) for name, column in columns.items()},
        credit_intervals=dict(zip(names, bounds, strict=True)),
        tests=tests,
    )
