"""Rows that changed since they were last published, and since when."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored

_CLEAN = np.inf


class DirtyRows:
    """Rows waiting to be published; each is published once however often it changed meanwhile.

    Rows that were never published go first: until then nobody can be offered what they stand for. So do those
    that are marked so, as chosen items are. An older vector of another row differs little from its newest.

    >>> dirty = DirtyRows()
    >>> dirty.settle(4)
    >>> dirty.mark(np.array([3, 1]), now=10.0)
    >>> dirty.mark(np.array([1, 2]), now=11.0)
    >>> dirty.take(limit=2).tolist(), dirty.staleness_s(now=12.0), dirty.take(limit=2).tolist()
    ([1, 3], 1.0, [2])
    >>> dirty.mark(np.array([0, 1, 2, 3]), now=13.0)
    >>> dirty.mark(np.array([3]), now=14.0, go_first=True)
    >>> dirty.take(limit=2).tolist()
    [0, 3]
    """

    def __init__(self, since: NDArray[np.float64] | None = None) -> None:
        self._since = np.full(0, _CLEAN) if since is None else since
        self._go_first = self._since < _CLEAN

    def settle(self, n_rows: int) -> None:
        """Say that the first `n_rows` were published, all as they are now."""
        self._since = grown(self._since, n_rows, fill=_CLEAN)
        self._go_first = grown(self._go_first, len(self._since), fill=True)
        self._since[:n_rows] = _CLEAN
        self._go_first[:n_rows] = False

    def mark(
        self, rows: NDArray[np.int64], now: float | NDArray[np.float64], *, go_first: bool = False
    ) -> None:
        """Say that (B,) rows changed, now or at (B,) times; a row that waits already keeps its time.

        One that is to go first from now on waits from now on.
        """
        self._since = grown(self._since, int(rows.max(initial=-1)) + 1, fill=_CLEAN)
        self._go_first = grown(self._go_first, len(self._since), fill=True)
        if go_first:
            self._since[rows] = np.where(self._go_first[rows], self._since[rows], _CLEAN)
            self._go_first[rows] = True
        self._since[rows] = np.minimum(self._since[rows], now)

    def take(self, limit: int, most_others: int | None = None) -> NDArray[np.int64]:
        """Return up to `limit` rows in row order: those that go first, then those that wait longest.

        They are clean now.

        Parameters
        ----------
        most_others
            Rows at most that do not go first; none: as many as find room.
        """
        rows = np.flatnonzero(self._since < _CLEAN)
        n_first = int(self._go_first[rows].sum())
        n_taken = min(len(rows), limit, n_first + (limit if most_others is None else most_others))
        if n_taken < len(rows):
            order = np.where(self._go_first[rows], -_CLEAN, self._since[rows])
            rows = np.sort(rows[np.argpartition(order, n_taken)[:n_taken]])
        self._since[rows] = _CLEAN
        self._go_first[rows] = False
        return rows

    def drop(self, rows: NDArray[np.int64]) -> None:
        """Let rows wait no longer: what they held is gone."""
        known = rows[rows < len(self._since)]
        self._since[known] = _CLEAN
        self._go_first[known] = True

    @property
    def n_waiting(self) -> int:
        """Number of rows that wait."""
        return int((self._since < _CLEAN).sum())

    def staleness_s(self, now: float) -> float:
        """Return how long the oldest waiting row has waited, in seconds; 0 when none waits."""
        return _oldest_s(self._since, now)

    def first_staleness_s(self, now: float) -> float:
        """Return the same of the rows that go first."""
        return _oldest_s(self._since[self._go_first], now)

    def since(self) -> NDArray[np.float64]:
        """Return (N,) Unix seconds since when each row waits, infinite for clean ones: for a checkpoint."""
        return self._since


def _oldest_s(since: NDArray[np.float64], now: float) -> float:
    oldest = float(since.min(initial=_CLEAN))
    return max(0.0, now - oldest) if oldest < _CLEAN else 0.0


class DirtyVectors(DirtyRows, StatePart):
    """Rows whose vectors wait to be published: a restart goes on with them."""

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the state, for a checkpoint."""
        return {"since": self.since()}

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned: who is clean was published."""
        self._since = stored(arrays, "since", np.float64, None)
        self._go_first = self._since < _CLEAN


class DirtyUsers(DirtyVectors):
    """Users whose vectors wait to be published."""

    def forget_users(self, rows: NDArray[np.int64]) -> None:
        """Let rows wait no longer."""
        self.drop(rows)


class DirtyItems(DirtyVectors):
    """Items whose vectors wait to be published."""

    def forget_items(self, rows: NDArray[np.int64]) -> None:
        """Let rows wait no longer."""
        self.drop(rows)
