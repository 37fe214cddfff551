"""External ids <-> dense rows. Only external ids cross a process boundary."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import overload

import numpy as np
from numpy.typing import NDArray

_N_PARTS = 64
"""Dictionaries that share what may be many: of four million ids one holds sixty thousand."""


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
            There may be millions: that nobody waits while a dictionary of so many becomes larger is worth
            a little time at each look-up.
        """
        self.n_released = 0
        self._ids: list[str | None] = list(ids)
        self._row_of: dict[str, int] | _Parts = _Parts() if may_be_many else {}
        for row, id_ in enumerate(self._ids):
            if id_ is not None:
                self._row_of[id_] = row
        self._free = deque(row for row, id_ in enumerate(self._ids) if id_ is None)
        if len(self._row_of) + len(self._free) != len(self._ids):
            raise ValueError("an id stands at two rows")

    def __len__(self) -> int:
        """Return the number of living ids."""
        return len(self._row_of)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._row_of

    @property
    def n_rows(self) -> int:
        """Rows given out so far, free ones included: the embedding needs so many."""
        return len(self._ids)

    def row(self, id_: str) -> int:
        """Return the id's row, or -1."""
        return self._row_of.get(id_, -1)

    def rows_of(self, ids: Sequence[str], *, add: bool = False) -> NDArray[np.int64]:
        """Return (B,) rows; an unknown id gets a new row when `add`, else -1."""
        rows = np.fromiter(map(self._row_of.get, ids, repeat(-1)), np.int64, len(ids))
        if add:
            for position in np.flatnonzero(rows < 0).tolist():
                rows[position] = self.add(ids[position])
        return rows

    def known_rows(self, ids: Iterable[str]) -> set[int]:
        """Return the rows of those that are known, each once."""
        rows = set(map(self._row_of.get, ids, repeat(-1)))
        rows.discard(-1)
        return rows

    def add(self, id_: str) -> int:
        """Return the id's row, giving it one when it is new."""
        row = self._row_of.get(id_)
        if row is not None:
            return row
        if self._free:
            row = self._free.popleft()
            self._ids[row] = id_
        else:
            row = len(self._ids)
            self._ids.append(id_)
        self._row_of[id_] = row
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
        row = self._row_of.pop(id_)
        self._ids[row] = None
        self.n_released += 1
        return row

    def give_back(self, rows: NDArray[np.int64]) -> None:
        """Let (R,) rows that were withdrawn be given out again."""
        self._free.extend(rows.tolist())

    def id_at(self, row: int) -> str | None:
        """Return the id of a row, None where the row is free."""
        return self._ids[row]

    def ids_at(self, rows: Iterable[int]) -> list[str]:
        """Return the ids of rows that are known to live."""
        ids = self._ids
        return [id_ for row in rows if (id_ := ids[row]) is not None]

    def living(self) -> list[str]:
        """Return all living ids."""
        return list(self._row_of)

    def ids(self) -> list[str]:
        """Return the ids that live, in row order."""
        return [id_ for id_ in self._ids if id_ is not None]

    def by_row(self) -> list[str | None]:
        """Return all ids in row order, None where a row is free."""
        return list(self._ids)


class _Parts:
    """A dictionary in parts by hash, without order: each becomes larger at its own time, in milliseconds."""

    def __init__(self) -> None:
        self._parts: tuple[dict[str, int], ...] = tuple({} for _ in range(_N_PARTS))

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._parts)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._parts[hash(id_) % _N_PARTS]

    def __setitem__(self, id_: str, row: int) -> None:
        self._parts[hash(id_) % _N_PARTS][id_] = row

    @overload
    def get(self, id_: str) -> int | None: ...

    @overload
    def get(self, id_: str, default: int) -> int: ...

    def get(self, id_: str, default: int | None = None) -> int | None:
        """Return the row of an id."""
        return self._parts[hash(id_) % _N_PARTS].get(id_, default)

    def pop(self, id_: str) -> int:
        """Take an id out; return its row."""
        return self._parts[hash(id_) % _N_PARTS].pop(id_)
