"""Items beside another."""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers
from streamrec.errors import Damaged
from streamrec.payload import decoded

NUMBER, SIMILARITY, FOLLOWS, SUPPORT = range(4)
"""Columns of `Near`."""


class Near(NamedTuple):
    """Neighbours of an item by their numbers in a process, see `Neighbours`.

    Attributes
    ----------
    rows
        (N, 4) float64, nearest first: number, similarity, how much it follows, support. One table: those of
        twenty items are put one after the other for each list.
    same_day, same_day_counts
        (M,) numbers, and float64 counts.
    """

    rows: NDArray[np.float64]
    same_day: Numbers = np.zeros(0, np.int64)
    same_day_counts: NDArray[np.float64] = np.zeros(0)

    @property
    def numbers(self) -> Numbers:
        """(N,) numbers."""
        return self.rows[:, NUMBER].astype(np.int64)

    @property
    def similarities(self) -> NDArray[np.float64]:
        """(N,) similarities."""
        return self.rows[:, SIMILARITY]

    @property
    def follows(self) -> NDArray[np.float64]:
        """(N,) similarities by how often each was chosen after the item."""
        return self.rows[:, FOLLOWS]

    @property
    def supports(self) -> NDArray[np.float64]:
        """(N,) supports."""
        return self.rows[:, SUPPORT]


NONE_NEAR = Near(np.zeros((0, 4)))


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
    generation
        Of the model that `past` is of.
    past
        (D,) float32 little-endian, as bytes: what the item adds to the vector of a user who chose it last, as
        `GMF.past_vectors` has it; empty where there is none. It goes with the neighbours because who forms
        a vector reads those of the same items anyway.

    >>> bool(Neighbours()), len(Neighbours(["a"], [0.5], [3.0], [0.0])), bool(Neighbours(same_day_ids=["a"]))
    (False, 1, True)
    """

    item_ids: list[str] = []
    similarities: list[float] = []
    supports: list[float] = []
    follows: list[float] = []
    # Values of before end here, or two columns later; they are read as if what follows had not been counted.
    same_day_ids: list[str] = []
    same_day_counts: list[int] = []
    generation: str = ""
    past: bytes = b""

    # A server holds copies of these, and answers from one many times.
    def near(self, items: ItemNumbers) -> Near:
        """Return the same by number; made once for each numbering."""
        of: ItemNumbers | None
        made: Near
        of, made = self.__dict__.get("_near", (None, NONE_NEAR))
        if of is not items:
            rows = np.empty((len(self.item_ids), 4))
            rows[:, NUMBER] = items.of(self.item_ids)
            rows[:, SIMILARITY], rows[:, FOLLOWS] = self.similarities, self.follows
            rows[:, SUPPORT] = self.supports
            made = Near(rows)
            if self.same_day_ids:
                counts = np.array(self.same_day_counts, np.float64)
                made = Near(rows, items.of(self.same_day_ids), counts)
            self.__dict__["_near"] = (items, made)
        return made

    def __len__(self) -> int:
        """Return how many there are by co-visitation."""
        return len(self.item_ids)

    def __bool__(self) -> bool:
        """Return whether there is any at all; an item without was in nobody's past, and adds nothing."""
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
