"""An item in a ranking."""

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers
from streamrec.errors import Damaged
from streamrec.payload import decoded


class RankedItem(NamedTuple):
    """An item and its score; higher is better."""

    item_id: str
    score: float


class RankedNumbers(NamedTuple):
    """Items by number, best first, and their scores: (N,) each."""

    numbers: Numbers
    scores: NDArray[np.float64]


class Ranking:
    """Head of a ranking, best first, by ids and by numbers.

    >>> Ranking([RankedItem("a", 2.0)]).by_number(ItemNumbers()).numbers.tolist()
    [0]
    """

    def __init__(self, items: Sequence[RankedItem]) -> None:
        self.items = items
        self._numbered: tuple[ItemNumbers | None, RankedNumbers] = (None, NOTHING_RANKED)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.items)

    def by_number(self, items: ItemNumbers) -> RankedNumbers:
        """Return the same by number; made once for each numbering."""
        of, made = self._numbered
        if of is not items:
            numbers = items.of([item.item_id for item in self.items])
            made = RankedNumbers(numbers, np.array([item.score for item in self.items], np.float64))
            self._numbered = (items, made)
        return made


NOTHING_RANKED = RankedNumbers(np.zeros(0, np.int64), np.zeros(0))

_decode = msgspec.json.Decoder(list[RankedItem]).decode


def decode_ranking(written: str | bytes, limit: int | None = None) -> list[RankedItem]:
    """Read the head of a ranking, best first; all of it without a limit.

    Raises
    ------
    Damaged
        When it is none.
    """
    return checked_ranking(decoded(_decode, written)[:limit])


def checked_ranking(ranking: list[RankedItem]) -> list[RankedItem]:
    """Return a ranking of distinct items with scores to compare.

    Raises
    ------
    Damaged
        When it is none.
    """
    if not all(map(math.isfinite, map(itemgetter(1), ranking))):
        raise Damaged("a score is not finite")
    if len(set(map(itemgetter(0), ranking))) < len(ranking):
        raise Damaged("an item stands there twice")
    return ranking
