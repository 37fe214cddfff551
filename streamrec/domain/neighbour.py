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
    """

    item_id: str
    similarity: float
    support: float
