"""Rows of items that were forgotten, until no table names them any more."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.marked_rows import GoneRows

Rows = NDArray[np.int64]


class LeavingItems:
    """Rows that wait to be given out again, and how far tables were gone through for them.

    All that wait when a pass through the tables begins are given back at its end. Those that come in between
    wait for the next one: lines that were gone through may name them.
    """

    def __init__(self) -> None:
        self._waiting: list[Rows] = []
        self._leaving: Rows = np.zeros(0, np.int64)

    def __bool__(self) -> bool:
        """Whether any row waits."""
        return bool(self._waiting) or len(self._leaving) > 0

    def add(self, rows: Rows) -> None:
        """Let (R,) rows wait that all tables have marked."""
        self._waiting.append(rows)

    def go_on(self, tables: Sequence[GoneRows], ids: IdMap) -> Iterator[Rows | None]:
        """Go through a part of each table that may name them; yield items whose neighbours changed by it."""
        if not len(self._leaving):
            if not self._waiting:
                return
            self._leaving, self._waiting = np.concatenate(self._waiting), []
            for gone in tables:
                gone.begin()
        for gone in tables:
            if not gone.is_through:
                yield gone.go_on()
        if all(gone.is_through for gone in tables):
            for gone in tables:
                gone.settle(self._leaving)
            ids.give_back(self._leaving)
            self._leaving = self._leaving[:0]
