"""An item beside another."""

import msgspec


# No tuple, and unseen by the garbage collector: they are made by ten thousands a second, and a process holds
# some hundred thousands of them.
class Neighbour(msgspec.Struct, frozen=True, array_like=True, gc=False):
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
