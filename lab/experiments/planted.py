"""Planted populations: users of whom it is known which of two rankings serves them better."""

from typing import NamedTuple

import numpy as np

from lab.experiments.click_model import Floats
from lab.experiments.multileaving import NO_ITEM, Ints


class PlantedLists(NamedTuple):
    """Attraction of items, and two rankings of them.

    Attributes
    ----------
    attraction
        (U, I), 0 to 1.
    lists
        Variant -> (U, K) items, best first.
    """

    attraction: Floats
    lists: dict[str, Ints]

    def of_items(self, users: Ints, items: Ints) -> Floats:
        """Return (N, K) how much items attract users."""
        found: Floats = np.where(items == NO_ITEM, 0.0, self.attraction[users[:, None], items])
        return found


def planted_attraction(n_users: int, k: int, random: np.random.Generator, uplift: float = 0.0) -> Floats:
    """Return (U, K) the attraction of users' lists, higher than the others' by a share.

    Users differ: some click on much, many on little.
    """
    of_users = random.beta(1.0, 6.0, (n_users, 1))
    of_items = random.beta(2.0, 2.0, (n_users, k))
    attraction: Floats = np.minimum(of_users * of_items * (1 + uplift), 1.0)
    return attraction


def planted_lists(n_users: int, random: np.random.Generator, n_items: int = 100, k: int = 10) -> PlantedLists:
    """Return two rankings by attraction as each sees it: `variant` with three quarters of `control`'s noise.

    Some users click on much, most on little: their inclination has a log-normal law.
    """
    of_items = random.beta(1.0, 8.0, (n_users, n_items))
    lists = {}
    for name, deviation in (("control", 0.1), ("variant", 0.075)):
        seen = of_items + random.normal(0, deviation, of_items.shape)
        lists[name] = np.argsort(-seen, axis=1)[:, :k]
    of_users = random.lognormal(-0.5, 1.0, (n_users, 1))
    return PlantedLists(np.minimum(of_users * of_items, 1.0), lists)
