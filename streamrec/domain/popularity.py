"""Which items are chosen most, over all time and lately."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.growing import grown

ALL_TIME = "all"

_LARGEST_EXPONENT = 500.0
"""Half-lives from the origin at which the scale is moved: 2^500 is far from the end of a double."""


class Popularity:
    """Weighted counts by item row, for several windows that forget at their own pace.

    A window's half-life is in seconds of event time: after that long without events an item counts half.
    An event that arrives late counts as much as it would count now had it come in time, so the order of
    arrival makes no difference.

    Counts are kept as if seen from a fixed origin, where an event counts 2^(age of the origin at the event),
    so nothing has to be multiplied as time goes by; only when the numbers get large is the origin moved.

    Parameters
    ----------
    half_lives
        Window name -> half-life in seconds, or None for a window that never forgets.

    >>> popularity = Popularity({"all": None, "decayed": 10.0})
    >>> popularity.add(np.array([0, 0, 1]), np.array([0.0, 0.0, 20.0]), np.ones(3))
    >>> popularity.scores("all").tolist(), popularity.scores("decayed").tolist()
    ([2.0, 1.0], [0.5, 1.0])
    """

    def __init__(self, half_lives: Mapping[str, float | None]) -> None:
        self._half_lives = dict(half_lives)
        self._counts = {name: np.zeros(0) for name in half_lives}
        self._origins = dict.fromkeys(half_lives, -np.inf)
        self._newest = -np.inf

    @property
    def windows(self) -> tuple[str, ...]:
        """Names of the windows."""
        return tuple(self._half_lives)

    def add(
        self, item_rows: NDArray[np.int64], timestamps: NDArray[np.float64], weights: NDArray[np.floating]
    ) -> None:
        """Count (B,) events, each by its weight; `timestamps` are Unix seconds in any order."""
        if not len(item_rows):
            return
        self._newest = max(self._newest, float(timestamps.max()))
        n_rows = int(item_rows.max()) + 1
        for name, half_life in self._half_lives.items():
            counts = self._counts[name] = grown(self._counts[name], n_rows)
            gains = np.asarray(weights, np.float64)
            if half_life is not None:
                self._move_origin(name, half_life)
                # An event older than the scale can express counts as good as nothing.
                exponents = (timestamps - self._origins[name]) / half_life
                gains = gains * np.exp2(np.maximum(exponents, -1000.0))
            np.add.at(counts, item_rows, gains)

    def scores(self, window: str) -> NDArray[np.float64]:
        """Return (I,) counts as of the newest event; rows never counted may be missing at the end."""
        half_life = self._half_lives[window]
        if half_life is None or not np.isfinite(self._newest):
            return self._counts[window].copy()
        age = (self._newest - self._origins[window]) / half_life
        scaled: NDArray[np.float64] = self._counts[window] * np.exp2(-age)
        return scaled

    def top(self, window: str, k: int) -> NDArray[np.int64]:
        """Return up to `k` rows with a count, highest first; the smaller row first among equals."""
        counts = self._counts[window]
        order = np.argsort(-counts, kind="stable")[:k]
        return order[counts[order] > 0]

    def forget(self, item_row: int) -> None:
        """Set an item's counts to zero."""
        for counts in self._counts.values():
            if item_row < len(counts):
                counts[item_row] = 0

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the state, for a checkpoint."""
        clock = np.array([self._newest, *self._origins.values()])
        return {"clock": clock, **{f"counts.{name}": counts for name, counts in self._counts.items()}}

    def load_arrays(self, arrays: Mapping[str, NDArray[np.float64]]) -> None:
        """Take over copies of what `arrays` returned, for the same windows."""
        self._newest = float(arrays["clock"][0])
        self._origins = dict(zip(self._origins, arrays["clock"][1:].tolist(), strict=True))
        self._counts = {name: arrays[f"counts.{name}"].copy() for name in self._counts}

    def _move_origin(self, name: str, half_life: float) -> None:
        """Keep the newest event within reach of the origin."""
        origin = self._origins[name]
        if not np.isfinite(origin):
            self._origins[name] = self._newest
        elif (self._newest - origin) / half_life > _LARGEST_EXPONENT:
            self._counts[name] *= np.exp2(-min((self._newest - origin) / half_life, 1000.0))
            self._origins[name] = self._newest
