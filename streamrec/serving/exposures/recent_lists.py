"""The last lists that a process answered, and what they are like all together."""

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

MAX_LISTS = 1_000
"""Of which the items are kept: figures of so many lists are known to a few percent."""

K = 10
"""First items of a list that count, as in offline evaluations at 10."""


class ListedItem(Protocol):
    """Item of a list."""

    @property
    def item_id(self) -> str:
        """Return its id."""

    @property
    def source(self) -> str:
        """Return why it is there."""

    @property
    def categories(self) -> Sequence[str]:
        """Return its categories, the main one first."""


class Popularity(NamedTuple):
    """Choices of what people choose most, as far as a ranking goes.

    Attributes
    ----------
    n_choices
        By item; of any other item there are at most `n_beyond`.
    """

    n_choices: Mapping[str, float]
    n_beyond: float
    n_users: float


class ListTraits(msgspec.Struct, frozen=True):
    """Traits of the last lists, of the first ten items of each; null where nothing is known of them.

    Attributes
    ----------
    n_lists, since
        Lists that were looked at, and when the oldest was answered, in Unix seconds.
    coverage
        Share of the catalogue that is on some list.
    diversity
        Mean number of main categories on a list, as a share of its items; of lists with categories.
    popularity_bias
        Mean number of choices that the listed items had.
    novelty
        Mean bits of surprise of a listed item: -log2 of the share of users who chose it.
    """

    n_lists: int
    since: float | None
    coverage: float | None
    diversity: float | None
    popularity_bias: float | None
    novelty: float | None


class _List(NamedTuple):
    at: float
    item_ids: tuple[str, ...]
    n_categories: int
    n_with_category: int


class RecentLists:
    """The last lists of this process.

    Parameters
    ----------
    clock
        Unix seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lists: deque[_List] = deque(maxlen=MAX_LISTS)

    def note(self, items: Sequence[ListedItem]) -> None:
        """Take down a list; an empty one is none."""
        first = items[:K]
        if first:
            main = [item.categories[0] for item in first if item.categories]
            ids = tuple([item.item_id for item in first])
            self._lists.append(_List(self._clock(), ids, len(set(main)), len(main)))

    def traits(self, n_items: int, popularity: Popularity | None) -> ListTraits:
        """Return what the lists are like.

        Parameters
        ----------
        n_items
            Size of the catalogue; 0 where it is not known.
        popularity
            None where it is not known.
        """
        lists = list(self._lists)
        n_listed = Counter(item_id for one in lists for item_id in one.item_ids)
        shares = [one.n_categories / one.n_with_category for one in lists if one.n_with_category]
        bias = novelty = None
        if popularity is not None and n_listed:
            choices = {
                item_id: popularity.n_choices.get(item_id, popularity.n_beyond) for item_id in n_listed
            }
            total = n_listed.total()
            bias = sum(choices[item_id] * n for item_id, n in n_listed.items()) / total
            novelty = sum(_bits(choices[item_id], popularity.n_users) * n for item_id, n in n_listed.items())
            novelty /= total
        return ListTraits(
            n_lists=len(lists),
            since=lists[0].at if lists else None,
            coverage=min(1.0, len(n_listed) / n_items) if n_listed and n_items else None,
            diversity=sum(shares) / len(shares) if shares else None,
            popularity_bias=bias,
            novelty=novelty,
        )


def _bits(n_choices: float, n_users: float) -> float:
    """Return the surprise of an item; one that nobody chose surprises as if one user had."""
    return max(0.0, math.log2(max(1.0, n_users) / max(1.0, n_choices)))
