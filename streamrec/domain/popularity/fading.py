"""Amounts that fade with time, kept without touching them as time goes by."""

import numpy as np
from numpy.typing import NDArray

OF_DOUBLES, OF_FLOATS = 500.0, 60.0
"""Half-lives from the origin at which the scale is moved: 2^500 is far from the end of a double, and 2^60
from that of a float32, also for sums of millions."""

_SMALLEST_EXPONENT = -1000.0
"""Amounts older than the scale can express count next to nothing, and stay finite numbers."""


class FadingScale:
    """Amounts as if seen from a fixed origin in time, where each is 2^(time since the origin) times itself.

    Sums and comparisons of such amounts hold at any time, so nothing has to be multiplied while time goes
    by; only when the numbers get large is the origin moved.

    Parameters
    ----------
    half_life
        After so long an amount is worth half, in the unit of the times given; None: it never fades.
    largest_exponent
        `OF_FLOATS` where amounts are kept as float32.

    >>> scale = FadingScale(10.0)
    >>> scale.reach(20.0)
    1.0
    >>> (scale.seen_from_origin(np.ones(2), np.array([10.0, 20.0])) * scale.worth_now()).tolist()
    [0.5, 1.0]
    """

    def __init__(self, half_life: float | None, largest_exponent: float = OF_DOUBLES) -> None:
        self._half_life = half_life
        self._largest_exponent = largest_exponent
        self._newest = self._origin = -np.inf

    def reach(self, time: float) -> float:
        """Go on to a time, if it is later; return what all that is kept must be multiplied by: mostly 1."""
        self._newest = max(self._newest, time)
        if self._half_life is None:
            return 1.0
        if not np.isfinite(self._origin):
            self._origin = self._newest
        if (self._newest - self._origin) / self._half_life <= self._largest_exponent:
            return 1.0
        factor = self.worth_now()
        self._origin = self._newest
        return factor

    def seen_from_origin(
        self, amounts: NDArray[np.floating], times: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return (B,) what amounts of given times, reached before, are to be kept as."""
        kept: NDArray[np.float64] = np.asarray(amounts, np.float64)
        if self._half_life is None:
            return kept
        exponents = np.maximum((times - self._origin) / self._half_life, _SMALLEST_EXPONENT)
        return kept * np.exp2(exponents)

    @property
    def newest(self) -> float:
        """The newest time reached; minus infinity before the first."""
        return self._newest

    def worth_at(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (B,) what to multiply kept amounts by, to have them as of each of these times."""
        if self._half_life is None:
            return np.ones(len(times))
        exponents = (self._origin - times) / self._half_life
        return np.exp2(np.clip(exponents, _SMALLEST_EXPONENT, -_SMALLEST_EXPONENT))

    def worth_now(self) -> float:
        """Return what to multiply a kept amount by, to have it as of the newest time."""
        if self._half_life is None or not np.isfinite(self._newest):
            return 1.0
        return float(np.exp2(max((self._origin - self._newest) / self._half_life, _SMALLEST_EXPONENT)))

    def clock(self) -> NDArray[np.float64]:
        """Return the state, for a checkpoint."""
        return np.array([self._newest, self._origin])

    def set_clock(self, clock: NDArray[np.float64]) -> None:
        """Go on where `clock` was called."""
        self._newest, self._origin = clock.tolist()
