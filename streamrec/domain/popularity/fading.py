"""Amounts that fade with time, kept without touching them as time goes by."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.stored import stored

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

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the state, for a checkpoint."""
        return {
            "clock": np.array([self._newest, self._origin]),
            "half_life": np.array([_as_number(self._half_life)]),
        }

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> float:
        """Go on where `arrays` was called; return what all that was kept must be multiplied by: mostly 1.

        With another half-life than it was called with, amounts are worth what they were worth then, and fade
        from there on at the new pace. Arrays of before the half-life was stored are taken for the same.

        Raises
        ------
        UnfitState
            When there is no such state.
        """
        newest, origin = stored(arrays, "clock", np.float64, 2).tolist()
        (half_life,) = stored(arrays, "half_life", np.float64, 1) if "half_life" in arrays else (None,)
        factor = 1.0
        if half_life is not None and half_life != _as_number(self._half_life):
            before = FadingScale(None if half_life == np.inf else float(half_life), self._largest_exponent)
            before._newest, before._origin = newest, origin
            factor, origin = before.worth_now(), newest
        self._newest, self._origin = newest, origin
        return factor


def _as_number(half_life: float | None) -> float:
    return np.inf if half_life is None else half_life
