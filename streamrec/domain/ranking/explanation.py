"""Explanation of a recommended item: its sources, and the user's items behind it."""

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
    """

    sources: dict[str, float]
    because: list[Cause]
