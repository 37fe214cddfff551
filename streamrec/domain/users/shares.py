"""Shares of users: a bound on how much one user's events may count."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.fading import FadingScale
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.running import sums_before
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored


class UserShares(StatePart):
    """Gives each event min(1, cap / n), where n is its user's faded number of events up to it.

    What an event counts depends on the events before it and not on those that share its batch. A person's
    events count in full; of a user who never stops `cap` count in every 0.7 half-lives, and of a burst of n
    at most cap * (1 + ln(n / cap)).

    Parameters
    ----------
    cap
        Events that count in full.
    half_life_s
        Seconds of stream time after which an event counts half towards the cap.

    >>> shares = UserShares(cap=2.0, half_life_s=60.0)
    >>> shares.of(np.array([0, 1, 0, 0]), np.zeros(4)).tolist()
    [1.0, 1.0, 1.0, 0.6666666666666666]
    >>> shares.of(np.array([0, 1]), np.zeros(2)).tolist()
    [0.5, 1.0]
    """

    def __init__(self, cap: float, half_life_s: float) -> None:
        self._cap = cap
        self._scale = FadingScale(half_life_s)
        self._counts = np.zeros(0)

    def of(self, user_rows: NDArray[np.int64], times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Count (B,) events and return (B,) their shares, in (0, 1].

        Parameters
        ----------
        times
            (B,) seconds of stream time, in any order.
        """
        if not len(user_rows):
            return np.zeros(0)
        newest = np.maximum.accumulate(np.maximum(times, self._scale.newest))
        factor = self._scale.reach(float(newest[-1]))
        if factor != 1.0:  # seldom: a product by one would write to every user's memory
            self._counts *= factor
        self._counts = grown(self._counts, int(user_rows.max()) + 1)
        gains = self._scale.seen_from_origin(np.ones(len(times)), times)
        n_events = self._counts[user_rows] + sums_before(user_rows, gains)[0] + gains
        np.add.at(self._counts, user_rows, gains)
        # Of a late event n is as of the newest before it, not of its own time.
        n_events *= self._scale.worth_at(newest)
        shares: NDArray[np.float64] = self._cap / np.maximum(n_events, self._cap)
        return shares

    def forget_users(self, rows: NDArray[np.int64]) -> None:
        """Clear rows for their next users."""
        self._counts[rows[rows < len(self._counts)]] = 0

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the state, for a checkpoint."""
        return {"counts": self._counts, **self._scale.arrays()}

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned."""
        counts = stored(arrays, "counts", np.float64, None)
        counts *= self._scale.load_arrays(arrays)
        self._counts = counts
