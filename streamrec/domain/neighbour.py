"""Items beside another."""

import msgspec


# By column: ten thousands of entries are merged for a second's answers, and as an object each would cost more
# to make than to use.
class Neighbours(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Items that are chosen together with another, nearest first; all columns have the same length.

    Attributes
    ----------
    similarities
        Shrunk cosines of their counts; higher is nearer.
    supports
        The pairs' faded counts, which the similarities stand on.
    follows
        Shrunk cosines of how often each was chosen after the other, not before.

    >>> bool(Neighbours()), len(Neighbours(["a"], [0.5], [3.0], [0.0]))
    (False, 1)
    """

    item_ids: list[str] = []
    similarities: list[float] = []
    supports: list[float] = []
    follows: list[float] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.item_ids)
