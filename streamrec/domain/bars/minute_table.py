"""Values of many items, minute by minute, by the events' own times."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.bars.batch_minutes import TALLY, Minutes, minutes_of
from streamrec.domain.bars.tick_clock import AHEAD, LATE, TAKEN, TickClock
from streamrec.domain.rows.id_map import IdMap

_EVICTED_SHARE = 0.01
"""Share of all items evicted at once: finding the longest silent ones means looking at all."""

_LARGEST = np.finfo(np.float64).max


class Ticks(NamedTuple):
    """B values of items, in the order in which they arrived.

    `times` and `arrivals` are (B,) Unix seconds; `senders` are (B,) numbers, None where all are one.
    """

    item_ids: Sequence[str]
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    arrivals: NDArray[np.float64]
    senders: NDArray[np.float64] | None = None


class Added(NamedTuple):
    """Changes that some ticks made.

    Attributes
    ----------
    cells
        (C,) cells of the minutes that changed, each once: ``row * window + slot``.
    evicted
        Rows and ids of items that were forgotten before.
    """

    cells: NDArray[np.int64]
    evicted: Sequence[tuple[int, str]]
    n_late: int
    n_ahead: int


class MinuteTable:
    """Open, high, low, close, count and sum of each item's value, for the minutes of a window.

    An item's minutes stand in a ring of `window` slots of 56 bytes: 3,360 bytes an item at 60 minutes, 168 MB
    for 50,000 items, taken as items come. When there is no room for an unknown item, those that were silent
    longest are forgotten. Of two ticks at one moment the first to arrive is the earlier one.

    Parameters
    ----------
    window
        Minutes kept, the current one included.
    max_items
        Items kept.

    >>> table = MinuteTable(window=5, max_items=2)
    >>> ticks = Ticks(["a", "a", "a"], np.array([61.0, 59.0, 60.5]), np.array([3.0, 1.0, 2.0]), np.zeros(3))
    >>> table.tallies(table.add(ticks).cells)[["minute", "open", "close", "count"]].tolist()
    [(0, 1.0, 1.0, 1), (1, 2.0, 3.0, 2)]
    """

    def __init__(self, window: int, max_items: int) -> None:
        self.window = window
        self.max_items = max_items
        self.ids = IdMap()
        self._clock = TickClock(window)
        # Zeros cost no memory until they are written over.
        self._tallies = np.zeros(max_items * window, TALLY)
        self._last_tick = np.zeros(max_items, np.int64)
        self._n_ticks = 0

    @property
    def now(self) -> float:
        """The newest time seen, in Unix seconds; minus infinity before the first tick."""
        return self._clock.now

    def add(self, ticks: Ticks) -> Added:
        """Take in ticks, at most `max_items` at once; those outside of the window are left out."""
        if not len(ticks.item_ids):
            return Added(np.zeros(0, np.int64), (), 0, 0)
        verdicts = self._clock.judge(ticks.times, ticks.arrivals, ticks.senders)
        item_ids, times, values = ticks.item_ids, ticks.times, ticks.values
        if verdicts.any():
            taken = np.flatnonzero(verdicts == TAKEN)
            item_ids = [item_ids[index] for index in taken.tolist()]
            times, values = times[taken], values[taken]
        rows = self.ids.rows_of(item_ids)
        evicted = []
        if (rows < 0).any():
            evicted = self._make_room(item_ids, rows)
            rows = self.ids.rows_of(item_ids, add=True)
        self._last_tick[rows] = self._n_ticks + 1 + np.arange(len(rows))
        self._n_ticks += len(rows)
        cells = self._merge(minutes_of(rows, times, values, self.window), values) if len(rows) else rows
        return Added(cells, evicted, int((verdicts == LATE).sum()), int((verdicts == AHEAD).sum()))

    def tallies(self, cells: NDArray[np.int64]) -> NDArray[Any]:
        """Return copies of (C,) minutes."""
        return self._tallies[cells]

    def cells_in_use(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the cells of all minutes of (R,) rows that have ticks."""
        of_row, slots = np.nonzero(self._tallies["count"].reshape(-1, self.window)[rows])
        return rows[of_row] * self.window + slots

    def _merge(self, minutes: Minutes, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Add to minutes that are there; overwrite others, which have left the window.

        Sums grow tick by tick in the order of arrival: so they do not depend on batches in their last bit.
        """
        cells, tallies, ticks, of_tick = minutes
        held = self._tallies[cells]
        is_same = (held["count"] > 0) & (held["minute"] == tallies["minute"])
        for name, stays in (
            ("open", is_same & (held["open_at"] <= tallies["open_at"])),
            ("close", is_same & (held["close_at"] > tallies["close_at"])),
        ):
            for field in (name, f"{name}_at"):
                np.copyto(tallies[field], held[field], where=stays)
        np.maximum(tallies["high"], held["high"], out=tallies["high"], where=is_same)
        np.minimum(tallies["low"], held["low"], out=tallies["low"], where=is_same)
        np.add(tallies["count"], held["count"], out=tallies["count"], where=is_same)
        sums = np.where(is_same, held["sum"], 0.0)
        with np.errstate(over="ignore"):
            np.add.at(sums, of_tick, values[ticks])
        tallies["sum"] = np.clip(sums, -_LARGEST, _LARGEST)
        self._tallies[cells] = tallies
        return cells

    def _make_room(self, item_ids: Sequence[str], rows: NDArray[np.int64]) -> list[tuple[int, str]]:
        """Forget as many items as the unknown ones among these, whose rows are -1, need."""
        unknown = {item_ids[index] for index in np.flatnonzero(rows < 0).tolist()}
        n_over = len(self.ids) + len(unknown) - self.max_items
        if n_over <= 0:
            return []
        silence = self._last_tick.copy()
        silence[rows[rows >= 0]] = 0  # about to speak
        candidates = np.flatnonzero(silence)
        n_evicted = min(max(n_over, int(self.max_items * _EVICTED_SHARE)), len(candidates))
        candidates = candidates[np.argsort(silence[candidates], kind="stable")[:n_evicted]]
        return self.forget(self.ids.ids_at(candidates.tolist()))

    def forget(self, item_ids: Iterable[str]) -> list[tuple[int, str]]:
        """Forget items as far as they are known; return the rows that are free now, and whose they were."""
        known = [item_id for item_id in dict.fromkeys(item_ids) if item_id in self.ids]
        gone = [(self.ids.release(item_id), item_id) for item_id in known]
        rows = np.array([row for row, _ in gone], np.int64)
        self._last_tick[rows] = 0
        self._tallies.reshape(-1, self.window)[rows] = np.zeros((), TALLY)
        return gone

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state but for the ids, for a checkpoint."""
        return {
            "tallies": self._tallies.reshape(-1, self.window)[: self.ids.n_rows],
            "last_tick": self._last_tick[: self.ids.n_rows],
            "clock": self._clock.state(),
            "n_ticks": np.array([self._n_ticks]),
        }

    def load(self, ids: Sequence[str | None], arrays: Mapping[str, NDArray[Any]]) -> bool:
        """Take over what `arrays` returned; False when shapes differ, as window or room for items do.

        Raises
        ------
        ValueError
            When they do not go together.
        """
        last_tick, tallies = arrays["last_tick"], arrays["tallies"]
        if tallies.ndim != 2 or tallies.dtype != TALLY or not len(ids) == len(last_tick) == len(tallies):
            raise ValueError(
                f"{len(ids)} items with {len(last_tick)} times and {len(tallies)} rows of minutes"
            )
        self._n_ticks = int(arrays["n_ticks"][0])
        self._clock.set_state(arrays["clock"])
        if tallies.shape[1] == self.window and len(tallies) <= self.max_items:
            self.ids = IdMap(ids)
            self._last_tick[: len(tallies)] = last_tick
            self._tallies.reshape(-1, self.window)[: len(tallies)] = tallies
            return True
        n_kept = min(self.max_items, int((last_tick > 0).sum()))
        rows = np.sort(np.argsort(-last_tick, kind="stable")[:n_kept])
        self.ids = IdMap([ids[row] for row in rows.tolist()])
        self._last_tick[:n_kept] = last_tick[rows]
        for new_row, old_row in enumerate(rows.tolist()):
            found = np.sort(tallies[old_row], order="minute")  # the newest is written last
            found = found[found["count"] > 0]
            self._tallies[new_row * self.window + found["minute"] % self.window] = found
        return False
