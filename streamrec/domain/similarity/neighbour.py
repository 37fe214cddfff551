"""Items beside another."""

from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.errors import Damaged
from streamrec.payload import decoded


# By column: ten thousands of entries are merged for a second's answers, and as an object each would cost more
# to make than to use.
class Neighbours(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """Items that are chosen together with another, nearest first; the first four columns are of one length.

    Attributes
    ----------
    item_ids
        Chosen one after the other, as co-visitation counts.
    similarities
        Shrunk cosines of their counts; higher is nearer.
    supports
        The pairs' faded counts, which the similarities stand on.
    follows
        Shrunk cosines of how often each was chosen after the other, not before.
    same_day_ids, same_day_counts
        Chosen by one user on one day, and how many users and days that were, most often first.

    >>> bool(Neighbours()), len(Neighbours(["a"], [0.5], [3.0], [0.0])), bool(Neighbours(same_day_ids=["a"]))
    (False, 1, True)
    """

    item_ids: list[str] = []
    similarities: list[float] = []
    supports: list[float] = []
    follows: list[float] = []
    # Values of before have no more than the above; they are read as if no days had been counted.
    same_day_ids: list[str] = []
    same_day_counts: list[int] = []

    # A server holds copies of these: what an answer adds up need not be made of lists each time.
    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """(2, N) similarities, and follows."""
        return np.array([self.similarities, self.follows], np.float64)

    def __len__(self) -> int:
        """Return how many there are by co-visitation."""
        return len(self.item_ids)

    def __bool__(self) -> bool:
        """Return whether there is any at all."""
        return bool(self.item_ids or self.same_day_ids)


_decode = msgspec.json.Decoder(Neighbours).decode


def decode_neighbours(written: str | bytes) -> Neighbours:
    """Read the neighbours of an item.

    Raises
    ------
    Damaged
        When these are none, or of another version.
    """
    found = decoded(_decode, written)
    columns = (found.similarities, found.supports, found.follows)
    if {len(found.item_ids)} != set(map(len, columns)) or len(found.same_day_ids) != len(
        found.same_day_counts
    ):
        raise Damaged("columns of different lengths")
    return found
