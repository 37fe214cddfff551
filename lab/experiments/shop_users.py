"""Users of the made-up shop as they were made: how much each item attracts them at the end of the data."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from lab.configuration.generator_section import GeneratorSection
from lab.experiments.click_model import Floats, attraction_of
from lab.experiments.multileaving import NO_ITEM, Ints
from lab.generator.slices import span_of
from lab.generator.truth import Truth

_AT_ONCE = 400
"""Users whose chances of all products are held: 32 MB of 10,000 products."""


class ShopUsers:
    """The truth of some users.

    Parameters
    ----------
    settings
        Of the data.
    user_ids
        U users; one that the shop does not have is attracted by nothing.
    """

    def __init__(self, settings: GeneratorSection, user_ids: Sequence[str]) -> None:
        span = span_of(settings)
        self._truth = Truth(settings)
        self._month = datetime.fromtimestamp(span.end - 1, UTC).month - 1
        self._is_drifted = span.drift_at < span.end
        positions = {user_id: number for number, user_id in enumerate(self._truth.user_ids)}
        self._users = np.array([positions.get(user_id, -1) for user_id in user_ids], np.int64)
        self.product_ids = self._truth.product_ids

    def attraction(self, users: Ints, items: Ints) -> Floats:
        """Return (N, K) how much products attract users; nobody is attracted by `NO_ITEM`.

        Parameters
        ----------
        users
            (N,) positions among the users, in any order, with repeats.
        items
            (N, K) positions in `product_ids`, or `NO_ITEM`.
        """
        found = np.zeros(items.shape)
        distinct, of_line = np.unique(users, return_inverse=True)
        order = np.argsort(of_line, kind="stable")
        bounds = of_line[order].searchsorted(np.arange(0, len(distinct) + _AT_ONCE, _AT_ONCE))
        for block, (first, end) in enumerate(zip(bounds, bounds[1:], strict=False)):
            lines = order[first:end]
            own = self._users[distinct[block * _AT_ONCE : (block + 1) * _AT_ONCE]]
            chances = self._truth.affinities(np.maximum(own, 0), self._month, is_drifted=self._is_drifted)
            row = of_line[lines] - block * _AT_ONCE
            is_known = (own[row][:, None] >= 0) & (items[lines] != NO_ITEM)
            found[lines] = np.where(is_known, chances[row[:, None], items[lines]], 0.0)
        return attraction_of(found, len(self.product_ids))

    def attraction_of_lists(self, lists: Mapping[str, Ints]) -> dict[str, Floats]:
        """Return variant -> (U, K) how much the items of each user's list attract."""
        users = np.arange(len(self._users))
        together = self.attraction(users, np.hstack(list(lists.values())))
        ends = np.cumsum([of_users.shape[1] for of_users in lists.values()])
        return dict(zip(lists, np.split(together, ends[:-1], axis=1), strict=True))
