"""External ids <-> dense rows. Only external ids cross a process boundary."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # it brings numba, which takes a second where few ids are known
    from streamrec.domain.blocks.id_bytes import IdBytes


class IdMap:
    """Gives each id a row, which the id keeps while it lives.

    Users and items have a map each: a row of one means nothing in the other. Rows of released ids are given
    out again, oldest first, so the caller releases an id only after its tombstone was published.

    Attributes
    ----------
    n_released
        Ids released so far: while it stays, every row is still of the id that it was of.

    >>> items = IdMap()
    >>> items.rows_of(["a", "b", "a"], add=True).tolist(), len(items)
    ([0, 1, 0], 2)
    >>> items.rows_of(["b", "unknown"]).tolist()
    [1, -1]
    """

    def __init__(self, ids: Iterable[str | None] = (), *, may_be_many: bool = False) -> None:
        """Restore a map from `ids`, in row order; None marks a free row.

        Parameters
        ----------
        may_be_many
            There may be millions: that they take a third of the memory, and that nobody waits while a
            dictionary of so many becomes larger, is worth a little time at each look-up.
        """
        self.n_released = 0
        by_row = list(ids)
        self._ids: _Texts | IdBytes = _bytes_of(by_row) if may_be_many else _Texts(by_row)
        self._free = deque(row for row, id_ in enumerate(by_row) if id_ is None)

    def __len__(self) -> int:
        """Return the number of living ids."""
        return self._ids.n_living

    def __contains__(self, id_: str) -> bool:
        return self._ids.find(id_) >= 0

    @property
    def n_rows(self) -> int:
        """Rows given out so far, free ones included: the embedding needs so many."""
        return len(self._ids)

    def row(self, id_: str) -> int:
        """Return the id's row, or -1."""
        return self._ids.find(id_)

    def rows_of(self, ids: Sequence[str], *, add: bool = False) -> NDArray[np.int64]:
        """Return (B,) rows; an unknown id gets a new row when `add`, else -1."""
        rows = np.fromiter(self._ids.find_each(ids), np.int64, len(ids))
        if add:
            for position in np.flatnonzero(rows < 0).tolist():
                rows[position] = self.add(ids[position])
        return rows

    def known_rows(self, ids: Iterable[str]) -> set[int]:
        """Return the rows of those that are known, each once."""
        rows = set(self._ids.find_each(ids))
        rows.discard(-1)
        return rows

    def add(self, id_: str) -> int:
        """Return the id's row, giving it one when it is new."""
        row = self._ids.find(id_)
        if row < 0:
            row = self._free.popleft() if self._free else len(self._ids)
            self._ids.put(row, id_)
        return row

    def release(self, id_: str) -> int:
        """Forget an id and return the row that is free now.

        Raises
        ------
        KeyError
            When the id is not known.
        """
        row = self.withdraw(id_)
        self._free.append(row)
        return row

    def withdraw(self, id_: str) -> int:
        """Forget an id as `release` does, but for its row, which nobody gets before it is given back."""
        row = self._ids.take_out(id_)
        self.n_released += 1
        return row

    def give_back(self, rows: NDArray[np.int64]) -> None:
        """Let (R,) rows that were withdrawn be given out again."""
        self._free.extend(rows.tolist())

    def id_at(self, row: int) -> str | None:
        """Return the id of a row, None where the row is free."""
        return self._ids.at(row)

    def ids_at(self, rows: Iterable[int]) -> list[str]:
        """Return the ids of rows that are known to live."""
        return [id_ for id_ in map(self._ids.at, rows) if id_ is not None]

    def living(self) -> list[str]:
        """Return all living ids."""
        return self._ids.living()

    def ids(self) -> list[str]:
        """Return the ids that live, in row order."""
        return [id_ for id_ in self._ids if id_ is not None]

    def living_rows(self) -> NDArray[np.int64]:
        """Return the rows whose ids live, in order."""
        return self._ids.living_rows()

    def by_row(self) -> list[str | None]:
        """Return all ids in row order, None where a row is free."""
        return list(self._ids)


class _Texts:
    """Ids by row as texts, and a dictionary of them: quick to read, and large.

    What it does is what `IdBytes` does.
    """

    def __init__(self, ids: Sequence[str | None]) -> None:
        self._ids = list(ids)
        self._row_of = {id_: row for row, id_ in enumerate(ids) if id_ is not None}
        if len(self._row_of) + self._ids.count(None) != len(self._ids):
            raise ValueError("an id stands at two rows")
        self.at = self._ids.__getitem__

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str | None]:
        return iter(self._ids)

    @property
    def n_living(self) -> int:
        return len(self._row_of)

    def living(self) -> list[str]:
        return list(self._row_of)

    def living_rows(self) -> NDArray[np.int64]:
        return np.array([row for row, id_ in enumerate(self._ids) if id_ is not None], np.int64)

    def find(self, id_: str) -> int:
        return self._row_of.get(id_, -1)

    def find_each(self, ids: Iterable[str]) -> Iterator[int]:
        return map(self._row_of.get, ids, repeat(-1))

    def put(self, row: int, id_: str) -> None:
        if row == len(self._ids):
            self._ids.append(id_)
        else:
            self._ids[row] = id_
        self._row_of[id_] = row

    def take_out(self, id_: str) -> int:
        row = self._row_of.pop(id_)
        self._ids[row] = None
        return row


def _bytes_of(ids: Sequence[str | None]) -> "IdBytes":
    from streamrec.domain.blocks.id_bytes import IdBytes  # noqa: PLC0415  # as above

    return IdBytes(ids)
