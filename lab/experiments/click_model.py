"""Clicks on lists: an item is clicked when its position is looked at and it attracts the user.

The position-based model (Richardson, Dominowska, Ragno 2007, Predicting clicks; Chuklin, Markov, de Rijke
2015, Click models for web search, section 3.3). What attracts is the truth that users were made by, not the
events that were held out for evaluation: a list is not judged by the measure that chose it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.errors import InvalidInput

Floats = NDArray[np.float64]

_HALF_LIFT = 20.0
"""Times the chance of an item taken at random at which half of those who look at an item are attracted."""


class ClickModel(NamedTuple):
    """Users' behaviour before a list.

    Attributes
    ----------
    position_bias
        Position r, from 1, is looked at with chance r^-position_bias.
    noise
        Share of the clicks that have nothing to do with the item.
    purchase_chance
        Of a click to become a purchase, for an item that attracts everybody; less in proportion.
    lists_exponent, max_lists
        A user is shown n lists in the time of an experiment with a chance proportional to n^-lists_exponent,
        at most `max_lists`: most are shown one, and a few make most of the exposures, as in the made-up shop.
    """

    position_bias: float = 1.0
    noise: float = 0.02
    purchase_chance: float = 0.2
    lists_exponent: float = 1.5
    max_lists: int = 50

    def chances(self, attraction: Floats) -> Floats:
        """Return (..., K) chances of a click on each position, from what attracts there, 0 to 1.

        Raises
        ------
        InvalidInput
            When attraction is not between 0 and 1.

        >>> ClickModel(noise=0.0).chances(np.array([1.0, 1.0, 0.5])).round(3).tolist()
        [1.0, 0.5, 0.167]
        """
        if not ((attraction >= 0) & (attraction <= 1)).all():
            raise InvalidInput("attraction must lie between 0 and 1")
        looked_at = np.arange(1.0, attraction.shape[-1] + 1) ** -self.position_bias
        by_chance = attraction.mean() if attraction.size else 0.0
        chances: Floats = looked_at * ((1 - self.noise) * attraction + self.noise * by_chance)
        return chances

    def lists_shown(self, n_users: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Return (U,) how many lists users are shown."""
        chances = np.arange(1.0, self.max_lists + 1) ** -self.lists_exponent
        drawn: NDArray[np.int64] = random.choice(self.max_lists, n_users, p=chances / chances.sum()) + 1
        return drawn


class UserOutcomes(NamedTuple):
    """Totals of U users, (U,) each: lists shown, lists with a click, clicks, and purchases."""

    n_exposures: NDArray[np.int64]
    n_answered: NDArray[np.int64]
    n_clicks: NDArray[np.int64]
    n_purchases: NDArray[np.int64]

    def metrics(self) -> dict[str, Floats]:
        """Return (U,) values by the name that live experiments have for each metric.

        Every list is a session of its own, so that `depth` is clicks per list.
        """
        return {
            "ctr": self.n_answered / self.n_exposures,
            "depth": self.n_clicks / self.n_exposures,
            "clicks": self.n_clicks.astype(np.float64),
            "purchases": self.n_purchases.astype(np.float64),
            "purchase_rate": (self.n_purchases > 0).astype(np.float64),
        }


def simulated(attraction: Floats, model: ClickModel, random: np.random.Generator) -> UserOutcomes:
    """Return what U users do before their own list, shown to them as often as they come.

    Parameters
    ----------
    attraction
        (U, K) of the items on each user's list, 0 behind its end.
    """
    n_users, k = attraction.shape
    n_exposures = model.lists_shown(n_users, random)
    chances = model.chances(attraction)
    n_answered = np.zeros(n_users, np.int64)
    n_clicks, n_purchases = np.zeros(n_users, np.int64), np.zeros(n_users, np.int64)
    for n_before in range(int(n_exposures.max(initial=0))):
        users = np.flatnonzero(n_exposures > n_before)
        is_clicked = random.random((len(users), k)) < chances[users]
        buys = random.random((len(users), k)) < model.purchase_chance * attraction[users]
        n_clicks[users] += is_clicked.sum(axis=1)
        n_answered[users] += is_clicked.any(axis=1)
        n_purchases[users] += (is_clicked & buys).sum(axis=1)
    return UserOutcomes(n_exposures, n_answered, n_clicks, n_purchases)


def attraction_of(affinities: Floats, n_items: int) -> Floats:
    """Return how much items attract, 0 to 1, from the chance that each is what the user chooses.

    Chances of choices are tiny and differ by orders of magnitude; what counts is how many times as likely an
    item is as one at random, saturating.

    >>> attraction_of(np.array([0.0, 0.01, 0.1]), 2000).round(3).tolist()
    [0.0, 0.5, 0.909]
    """
    lift = affinities * n_items
    attraction: Floats = lift / (lift + _HALF_LIFT)
    return attraction
