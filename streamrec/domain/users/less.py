"""Items that users asked to see less like, and with them their categories and tags."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

MOST_LESS = 20
"""Items that a user asked for less like, the newest: each holds some labels, in every document."""

MOST_LABELS = 8
"""Categories of such an item that count, and as many tags."""

LEAST_FACTOR = 0.5
"""The score of an item that has something in common with one that was asked for a moment ago is halved."""

HALF_LIFE_S = 30 * 86_400.0
"""Half of what a factor takes away is given back after so long: a month, as cohorts forget."""

_N_HALF_LIVES = 6
"""After so many a factor is 1: less than a hundredth is left to take away."""

Label = tuple[str, str]
"""Kind of a label, "category" or "tag", and its name."""

NOTHING_LESS: Mapping[Label, float] = {}


class Less(msgspec.Struct, frozen=True, array_like=True):
    """An item that a user asked to see less like.

    Attributes
    ----------
    at
        When, in whole Unix seconds.
    categories, tags
        Of the item, as they were known then.
    """

    item_id: str
    at: int
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def labels_of(categories: Iterable[str], tags: Iterable[str]) -> list[Label]:
    """Return categories and tags as labels."""
    return [*(("category", name) for name in categories), *(("tag", name) for name in tags)]


def factors(asked: Sequence[Less], now: float) -> Mapping[Label, float]:
    """Return what scores of items with a label are multiplied by, for those where it is less than 1.

    Parameters
    ----------
    now
        Unix seconds of the stream's time.

    >>> asked = [Less("a", 0, ("war",)), Less("b", int(HALF_LIFE_S), ("war", "old"))]
    >>> factors(asked, HALF_LIFE_S)
    {('category', 'war'): 0.5, ('category', 'old'): 0.5}
    >>> factors(asked[:1], HALF_LIFE_S), factors(asked, 9 * HALF_LIFE_S)
    ({('category', 'war'): 0.75}, {})
    """
    found: dict[Label, float] = {}
    for one in asked:
        n_half_lives = max(0.0, now - one.at) / HALF_LIFE_S
        if n_half_lives < _N_HALF_LIVES:
            factor = 1.0 - (1.0 - LEAST_FACTOR) * 0.5**n_half_lives
            for label in labels_of(one.categories, one.tags):
                found[label] = min(factor, found.get(label, 1.0))
    return found
