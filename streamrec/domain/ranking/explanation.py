"""Explanation of a recommended item: its sources, the user's items behind it, and reasons in words."""

import msgspec


class Cause(msgspec.Struct, frozen=True):
    """One of the user's own items, and its share of the recommended item's score, 0 to 1."""

    item_id: str
    share: float


class Explanation(msgspec.Struct, frozen=True):
    """Composition of an item's score.

    Attributes
    ----------
    sources
        Source -> its part of the score; the parts add up to the score.
    because
        The user's items without any one of which the score would be lower, largest share first. The rest
        comes from the user's vector, in which all their events are merged, or from popularity.
    reasons
        What else raises the score above the mean of the other candidates, in words, the most important first:
        ends of the sentence "It is here because it ...".
    less
        What the user asked for less of and the item has, in words: it stands farther down for that.
    """

    sources: dict[str, float]
    because: list[Cause]
    reasons: list[str] = []
    less: list[str] = []
