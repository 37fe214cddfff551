"""An item beside another."""

from typing import NamedTuple


class Neighbour(NamedTuple):
    """An item that is chosen together with another.

    Attributes
    ----------
    similarity
        Shrunk cosine of their counts; higher is nearer.
    support
        The pair's faded count, which the similarity stands on.
    follows
        Shrunk cosine of how often it was chosen after the other, not before.
    """

    item_id: str
    similarity: float
    support: float
    follows: float = 0.0
