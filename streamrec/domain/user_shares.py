"""How much a user's events may count: a robot is no crowd."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.fading import FadingScale
from streamrec.domain.growing import grown


class UserShares:
    """Gives each event min(1, cap / n), where n is its user's faded number of events so far.

    A person's events count in full; of somebody who never stops `cap` count in every 0.7 half-lives, and of a
    burst of n at most cap * (1 + ln(n / cap)).

    Parameters
    ----------
    cap
        Events that count in full.
    half_life_s
        Seconds of stream time after which an event counts half towards the cap.

    >>> shares = UserShares(cap=2.0, half_life_s=60.0)
    >>> shares.of(np.array([0, 1, 0]), np.zeros(3)).tolist()
    [1.0, 1.0, 1.0]
    >>> shares.of(np.array([0, 1, 0]), np.zeros(3)).tolist()
    [0.5, 1.0, 0.5]
    """

    def __init__(self, cap: float, half_life_s: float) -> None:
        self._cap = cap
        self._scale = FadingScale(half_life_s)
        self._counts = np.zeros(0)

    def of(self, user_rows: NDArray[np.int64], times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Count (B,) events and return (B,) their shares, in (0, 1]; those of a batch count for one another.

        Parameters
        ----------
        times
            (B,) seconds of stream time, in any order.
        """
        if not len(user_rows):
            return np.zeros(0)
        self._counts *= self._scale.reach(float(times.max()))
        self._counts = grown(self._counts, int(user_rows.max()) + 1)
        np.add.at(self._counts, user_rows, self._scale.seen_from_origin(np.ones(len(times)), times))
        n_events = self._counts[user_rows] * self._scale.worth_now()
        shares: NDArray[np.float64] = self._cap / np.maximum(n_events, self._cap)
        return shares

    def forget(self, user_row: int) -> None:
        """Clear a row for its next user."""
        if user_row < len(self._counts):
            self._counts[user_row] = 0

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the state, for a checkpoint."""
        return {"counts": self._counts, "clock": self._scale.clock()}

    def load_arrays(self, arrays: Mapping[str, NDArray[np.float64]]) -> None:
        """Take over copies of what `arrays` returned."""
        self._counts = arrays["counts"].copy()
        self._scale.set_clock(arrays["clock"])
