"""Filters of requests: what fulfils their conditions, and what to tell where nothing does."""

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np

from streamrec.domain.filters.condition import Condition, Conditions, Given
from streamrec.domain.filters.facts import CATEGORY
from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers
from streamrec.domain.sources.request_context import RequestContext
from streamrec.serving.filters.followed_items import FollowedItems

MOST_RANKED = 4000
"""So many items that fulfil the conditions are all ranked by vectors, 1 MB; of more, the nearest are."""

MOST_OTHERS = 1000
"""Items that fill up a list at most: the longest there is."""

_NOT_WHOLE = "not all items are known yet: there may be more that fulfil the conditions"


class Filters(Protocol):
    """Finder of items that fulfil conditions."""

    async def narrowed(self, context: RequestContext) -> RequestContext | None:
        """Return a context that names the items, where they are few; None where not all items are known."""

    def numbers(self, conditions: Conditions, items: ItemNumbers) -> Numbers:
        """Return those of a process's numbers whose items fulfil the conditions."""

    def others(self, context: RequestContext, taken: Collection[str]) -> list[str]:
        """Return further items that the context wants, those that changed last first."""

    def warnings(self, conditions: Conditions, categories: frozenset[str]) -> list[str]:
        """Return what to tell whoever asks."""


class NoFilters:
    """Knows of no item what it is like: whoever offers it looks."""

    async def narrowed(self, context: RequestContext) -> RequestContext | None:
        """Return that nothing is known."""
        return None

    def numbers(self, conditions: Conditions, items: ItemNumbers) -> Numbers:
        """Return none."""
        return np.zeros(0, np.int64)

    def others(self, context: RequestContext, taken: Collection[str]) -> list[str]:
        """Return none."""
        return []

    def warnings(self, conditions: Conditions, categories: frozenset[str]) -> list[str]:
        """Return none."""
        return []


class ItemFilters:
    """Answers from the table of all items.

    Parameters
    ----------
    timeout_s
        Longest wait for the table, before all items were read for the first time.
    """

    def __init__(self, followed: FollowedItems, timeout_s: float) -> None:
        self._followed = followed
        self._table = followed.table
        self._timeout_s = timeout_s

    async def narrowed(self, context: RequestContext) -> RequestContext | None:
        """Return a context that names the items, where they are few; None where not all items are known."""
        if not await self._followed.wait(self._timeout_s):
            return None
        if context.only or not 0 < self._table.count(context.conditions) <= MOST_RANKED:
            return context
        return context.with_only(self._table.ids_of(context.conditions))

    def numbers(self, conditions: Conditions, items: ItemNumbers) -> Numbers:
        """Return those of a process's numbers whose items fulfil the conditions."""
        return self._table.numbers_of(conditions, items)

    def others(self, context: RequestContext, taken: Collection[str]) -> list[str]:
        """Return further items that the context wants, those that changed last first."""
        conditions = with_categories(context.conditions, context.categories)
        if not conditions or not context.takes_any or not self._followed.is_whole:
            return []
        ids = self._table.ids_of(conditions)
        return [id_ for id_ in ids if id_ not in taken and context.wants(id_)][:MOST_OTHERS]

    def warnings(self, conditions: Conditions, categories: frozenset[str]) -> list[str]:
        """Return what to tell whoever asks; nothing of unknown categories before all items are known."""
        if not self._followed.is_whole:
            return [_NOT_WHOLE] if conditions else []
        told = list(dict.fromkeys(self._table.warnings_about(with_categories(conditions, categories))))
        if self._table.n_left_out:
            told.append(f"there is no room for what is known of {self._table.n_left_out} items")
        return told


def with_categories(conditions: Conditions, categories: frozenset[str]) -> Conditions:
    """Return conditions, and that an item is of one of some categories, where any are named."""
    if not categories:
        return conditions
    given = tuple(Given(name, is_quoted=True) for name in sorted(categories))
    return (*conditions, Condition(CATEGORY, "in", given))


def category_of(conditions: Sequence[Condition]) -> frozenset[str]:
    """Return the categories that a condition names, whose own rankings then go first; of several the first's.

    >>> sorted(category_of([Condition("category", "in", (Given("Drama"), Given("War")))]))
    ['Drama', 'War']
    """
    for condition in conditions:
        if condition.name == CATEGORY and condition.operator in ("=", "in"):
            readings = [given.reading for given in condition.given]
            # "7" may be found as "7.0", too: then a ranking of that name is not all there is.
            if all(one[1:] == (None, None, None) for one in readings):
                return frozenset(one.text for one in readings if one.text is not None)
    return frozenset()
