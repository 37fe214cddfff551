"""An item in a ranking."""

import math
from operator import itemgetter
from typing import NamedTuple

import msgspec

from streamrec.errors import Damaged
from streamrec.payload import decoded


class RankedItem(NamedTuple):
    """An item and its score; higher is better."""

    item_id: str
    score: float


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
