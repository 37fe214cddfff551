"""Popularity counts: the items chosen most, over all time and lately."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import ObservedEvents, Retracted
from streamrec.domain.events.recent_pairs import N_SLOTS, RecentPairs, UserPairs
from streamrec.domain.popularity.window import HalfLife, Window
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored
from streamrec.errors import UnfitState

ALL_TIME, LATELY = "all", "recent"
"""Names of windows: of everything, and of the newest events."""


class Popularity(StatePart):
    """Weighted counts of people by item row, for several windows that forget at their own pace.

    In a window, an item has of every user what the user's strongest visit is worth by now: whoever repeats an
    item adds nothing to it but what had faded, so one user alone can't make an item popular. (Of pairs not
    among the recent ones every visit counts; `UserShares` bounds those.) An event that arrives late
    counts as much as it would count now had it come in time: the order of arrival makes no difference to
    windows in seconds.

    Windows in events go on by an event's weight: events that count little, as a robot's do, push little out.

    Parameters
    ----------
    half_lives
        Window name -> half-life.

    >>> popularity = Popularity({"all": None, "minute": 60.0, "recent": "1 events"})
    >>> popularity.add(np.array([0, 0, 1]), np.array([0, 0, 1]), np.array([0.0, 0.0, 60.0]), np.ones(3))
    >>> [popularity.scores(window).tolist() for window in popularity.windows]
    [[1.0, 1.0], [0.5, 1.0], [0.5, 1.0]]
    """

    def __init__(self, half_lives: Mapping[str, HalfLife]) -> None:
        self._windows = {name: Window(half_life) for name, half_life in half_lives.items()}
        self._pairs = RecentPairs()
        self._n_events = 0.0

    @property
    def windows(self) -> tuple[str, ...]:
        """Names of the windows."""
        return tuple(self._windows)

    def observe(self, events: ObservedEvents) -> None:
        """Count what was chosen."""
        chosen = events.choices
        self.add(chosen.user_rows, chosen.item_rows, chosen.times, chosen.counted)

    def add(
        self,
        user_rows: NDArray[np.int64],
        item_rows: NDArray[np.int64],
        timestamps: NDArray[np.float64],
        weights: NDArray[np.floating],
    ) -> None:
        """Count (B,) events, each by its weight; `timestamps` are seconds in any order."""
        if not len(item_rows):
            return
        visits = self._pairs.visit(user_rows, item_rows)
        numbers = self._n_events + np.cumsum(weights, dtype=np.float64)
        self._n_events = float(numbers[-1])
        for window in self._windows.values():
            window.add(visits, numbers if window.is_in_events else timestamps, weights)

    def scores(self, window: str) -> NDArray[np.float64]:
        """Return (I,) counts as of the newest event; rows never counted may be missing at the end."""
        return self._windows[window].scores()

    def top(self, window: str, k: int) -> NDArray[np.int64]:
        """Return up to `k` rows with a count, highest first; the smaller row first among equals."""
        counts = self._windows[window].counts
        order = np.argsort(-counts, kind="stable")[:k]
        return order[counts[order] > 0]

    def forget_items(self, rows: NDArray[np.int64]) -> None:
        """Set the counts of items to zero."""
        self._pairs.forget_items(rows)
        for window in self._windows.values():
            window.forget_items(rows)

    def forget_users(self, rows: NDArray[np.int64]) -> None:
        """Make rows free for their next users, and take back what their recent pairs added to their items.

        What pairs added that were pushed out of the table since stays counted: it is not known any more.
        """
        self._take_back(self._pairs.forget_users(rows))

    def retract(self, pairs: Retracted) -> None:
        """Take back what pairs added to their items, as far as they are among the recent ones."""
        self._take_back(self._pairs.forget_pairs(*pairs.known))

    def _take_back(self, gone: UserPairs) -> None:
        for window in self._windows.values():
            window.take_back(gone)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state, for a checkpoint."""
        arrays: dict[str, NDArray[Any]] = {
            "n_events": np.array([self._n_events]),
            "pairs": self._pairs.keys,
        }
        for name, window in self._windows.items():
            arrays |= {f"{key}.{name}": array for key, array in window.arrays().items()}
        return arrays

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned, window by window; those that fit do.

        A window with another half-life than before goes on with what its counts are worth by now.

        Raises
        ------
        UnfitState
            When a window is stored that counted in events and counts in seconds now, or the other way round,
            or is of another shape; it starts empty, as one does that is not stored.
        """
        (n_events,) = stored(arrays, "n_events", np.float64, 1)
        pairs = stored(arrays, "pairs", np.int64, N_SLOTS)
        self._n_events, self._pairs.keys = float(n_events), pairs
        unfit = []
        for name, window in self._windows.items():
            of_window = {
                key.removesuffix(f".{name}"): arrays[key] for key in arrays if key.endswith(f".{name}")
            }
            try:
                window.load_arrays(of_window, self._n_events)
            except UnfitState as error:
                unfit.append(f"window {name}: {error}")
        if unfit:
            raise UnfitState("; ".join(unfit))
