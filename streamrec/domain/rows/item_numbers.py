"""Numbers of the items that a process meets: what is united, summed and ranked are arrays of these."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.id_map import IdMap

Numbers = NDArray[np.int64]


class Distinct(NamedTuple):
    """The distinct ones of N numbers in the order in which they come first, and the position of each.

    Attributes
    ----------
    numbers
        (M,) the distinct ones.
    positions
        (N,) where each of the N stands among them.
    """

    numbers: Numbers
    positions: Numbers


class ItemNumbers:
    """Gives item ids numbers from 0 on, and answers questions about sets of numbers by marks.

    The marks are one array as long as there are numbers. Whoever asks marks what the question is about and
    then looks: nothing has to be wiped out, and nothing depends on what was asked before. Not for several
    threads.

    Parameters
    ----------
    ids
        Somebody else's rows, which are the numbers then: none is given here. None: there are no numbers yet.

    >>> items = ItemNumbers()
    >>> a, b, c = items.of(["a", "b", "c"])
    >>> items.ids_at([c, a]), items.known(["a", "never met"]).tolist()
    (['c', 'a'], [0, -1])
    """

    def __init__(self, ids: IdMap | None = None) -> None:
        self.ids = IdMap() if ids is None else ids
        self._gives_numbers = ids is None
        self._marks = np.zeros(0, np.int64)

    def __len__(self) -> int:
        """Return how many numbers were given out."""
        return self.ids.n_rows

    def of(self, ids: Sequence[str]) -> Numbers:
        """Return (N,) numbers of N ids; one that was never met gets one, or -1 where others give them."""
        return self.ids.rows_of(ids, add=self._gives_numbers)

    def known(self, ids: Sequence[str]) -> Numbers:
        """Return (N,) numbers of N ids, -1 for those that were never met."""
        return self.ids.rows_of(ids)

    def ids_at(self, numbers: Iterable[int]) -> list[str]:
        """Return the ids of numbers that are in use."""
        return self.ids.ids_at(numbers)

    def are_among(self, numbers: Numbers, some: Numbers) -> NDArray[np.bool_]:
        """Return (N,) which of N numbers are among some.

        >>> ItemNumbers(IdMap("abcd")).are_among(np.array([3, 0, 1]), np.array([1, 3])).tolist()
        [True, False, True]
        """
        marks = self._marks_for_all()
        marks[numbers] = 0
        marks[some] = 1
        found: NDArray[np.bool_] = marks[numbers] == 1
        # Of `some` those that are not asked about stay marked, and mean nothing to whoever asks next.
        return found

    def distinct(self, numbers: Numbers) -> Distinct:
        """Return the distinct ones of N numbers.

        >>> found = ItemNumbers(IdMap("abcd")).distinct(np.array([3, 0, 3]))
        >>> found.numbers.tolist(), found.positions.tolist()
        ([3, 0], [0, 1, 0])
        """
        marks = self._marks_for_all()
        places = np.arange(len(numbers))
        # Of several that are written to one mark the last stays: written backwards, that is the first.
        marks[numbers[::-1]] = places[::-1]
        firsts = marks[numbers]
        is_first = firsts == places
        positions = np.cumsum(is_first)[firsts] - 1
        return Distinct(numbers[is_first], positions)

    def positions(self, numbers: Numbers, among: Numbers) -> Numbers:
        """Return (N,) where each of N numbers stands among M distinct ones; M where it is none of them.

        >>> ItemNumbers(IdMap("abcd")).positions(np.array([3, 0, 1]), np.array([1, 3])).tolist()
        [1, 2, 0]
        """
        marks = self._marks_for_all()
        marks[numbers] = len(among)
        marks[among] = np.arange(len(among))
        return marks[numbers]

    def _marks_for_all(self) -> Numbers:
        if len(self._marks) < self.ids.n_rows:
            self._marks = grown(self._marks, self.ids.n_rows)
        return self._marks
