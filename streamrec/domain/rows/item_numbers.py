"""Numbers of the items that a process meets: what is united, summed and ranked are arrays of these."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.id_map import IdMap

if TYPE_CHECKING:
    from streamrec.domain.rows.hashed_ids import HashedIds

Numbers = NDArray[np.int64]

Marks = NDArray[np.int32]
"""Half as long as numbers: they are written and read all over, and more of them stay near the processor."""

MOST_REMEMBERED = 2_000_000
"""Numbers in sets that are remembered, 16 MB: of 1,000 users who have seen 2,000 items each."""

_FEW = 32
"""Sets of fewer are not remembered: the entry itself takes as much as so many numbers."""

_NONE: Numbers = np.zeros(0, np.int64)


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
        self.ids: IdMap | HashedIds
        self._own: HashedIds | None = None
        if ids is None:
            self._own = self.ids = _hashed_ids()
        else:
            self.ids = ids
        self._marks: Marks = np.zeros(0, np.int32)
        self._remembered: OrderedDict[tuple[int, int, int], tuple[int, Numbers]] = OrderedDict()
        self._n_remembered = 0
        self._are_left_out = np.zeros(0, np.bool_)
        self._left_out: tuple[Numbers, Numbers | None] = (_NONE, None)

    def __len__(self) -> int:
        """Return how many numbers were given out."""
        return self.ids.n_rows

    def of(self, ids: Sequence[str], hashes: Numbers | None = None) -> Numbers:
        """Return (N,) numbers of N ids; one that was never met gets one, or -1 where others give them.

        Parameters
        ----------
        hashes
            (N,) of the ids, where somebody has them at hand.
        """
        own = self._own
        return self.ids.rows_of(ids) if own is None else own.rows_of(ids, add=True, hashes=hashes)

    def known(self, ids: Sequence[str]) -> Numbers:
        """Return (N,) numbers of N ids, -1 for those that were never met."""
        return self.ids.rows_of(ids)

    def known_among(self, ids: frozenset[str]) -> Numbers:
        """Return (M,) numbers of those of some ids that have one; nobody may change them.

        Who has seen what is asked for again and again. So the numbers are remembered by the hash of the whole
        set, of 64 bits, which no request can aim at: Python salts those of texts. The ids would take ten
        times the memory.
        """
        if len(ids) < _FEW:
            return self._known_among(ids)
        key = (hash(ids), len(ids), self.ids.n_released)
        n_met, numbers = self._remembered.pop(key, (-1, _NONE))
        # An id that was not met before may have been since.
        if n_met < len(self) and len(numbers) < len(ids):
            n_before = len(numbers) if n_met >= 0 else -_FEW
            n_met, numbers = len(self), self._known_among(ids)
            self._n_remembered += len(numbers) - n_before
        self._remembered[key] = (n_met, numbers)
        while self._n_remembered > MOST_REMEMBERED:
            _, (_, oldest) = self._remembered.popitem(last=False)
            self._n_remembered -= len(oldest) + _FEW
        return numbers

    def ids_at(self, numbers: Iterable[int]) -> list[str]:
        """Return the ids of numbers that are in use."""
        return self.ids.ids_at(numbers)

    @property
    def marks(self) -> Marks:
        """A mark for each number, to be written before it is read: what stands there is anybody's."""
        if len(self._marks) < self.ids.n_rows:
            self._marks = grown(self._marks, self.ids.n_rows)
        return self._marks

    def left_out(self, banned: Numbers, only: Numbers | None = None) -> NDArray[np.bool_]:
        """Return, of each number, whether it is among those banned, or not among those that alone are wanted.

        The answer is to be read before anybody else asks. The same arrays, which must not change meanwhile,
        are mostly asked about several times in a row, and are marked once.

        >>> items = ItemNumbers(IdMap("abcd"))
        >>> items.left_out(np.array([1, 3])).tolist()
        [False, True, False, True]
        >>> items.left_out(np.array([1]), np.array([1, 2])).tolist()
        [True, True, False, True]
        """
        marked, before = self._are_left_out, self._left_out
        if before[0] is banned and before[1] is only and len(marked) >= self.ids.n_rows:
            return marked
        if before[1] is None and only is None:
            marked[before[0]] = False
            marked = grown(marked, len(self.marks))
        else:
            marked = np.full(len(self.marks), only is not None)
        if only is not None:
            marked[only] = False
        marked[banned] = True
        self._are_left_out, self._left_out = marked, (banned, only)
        return marked

    def _known_among(self, ids: frozenset[str]) -> Numbers:
        numbers = self.known(list(ids))
        return numbers[numbers >= 0]


def _hashed_ids() -> "HashedIds":
    # Here: the index service knows this module for its types, and loads no compiler.
    from streamrec.domain.rows.hashed_ids import HashedIds  # noqa: PLC0415

    return HashedIds()
