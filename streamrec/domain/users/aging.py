"""A user's vector as time goes by: what was chosen last says less and less of what comes next."""

import math

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


def aging_of(vectors: Vector, long_after: Vector, order_shares: Vector) -> list[bytes]:
    """Return how each of B vectors ages, as it is published.

    Between the newest choice and long after it, a vector stays on the line between the two: weights of the
    last items are a part that stands still and one that fades at the same rate for all, see
    `models.context.Context`.

    Parameters
    ----------
    vectors
        (B, D + 1) of users at their newest choices; the last number stays 1.
    long_after
        (B, D + 1) of the same users, once the last items count by their order alone.
    order_shares
        (B,) of what the last items weigh in the former, the part that they weigh in the latter.

    Returns
    -------
    aging
        (D + 1,) float16 little-endian each: by how much the first D numbers change in the end, and the share.
    """
    table = (long_after - vectors).astype("<f2")
    table[:, -1] = order_shares
    return [row.tobytes() for row in table]


def vector_after(vector: bytes, aging: bytes, pause_s: float, scale_s: float) -> bytes:
    """Return a user's vector so many seconds after the newest choice.

    Parameters
    ----------
    vector, aging
        As published, (D + 1,) float32 and float16; an `aging` of another length changes nothing.
    scale_s
        Of the stream's time, as in `StreamTime`.

    >>> vector, later = np.array([[0.5, 1.0]], np.float32), np.array([[1.5, 1.0]], np.float32)
    >>> (aging,) = aging_of(vector, later, np.array([0.5], np.float32))
    >>> long_after = vector_after(vector.tobytes(), aging, 1e9, 60.0)
    >>> np.frombuffer(long_after, "<f4").tolist()
    [1.5, 1.0]
    """
    if pause_s <= 0 or len(aging) * 2 != len(vector):
        return vector
    change = np.frombuffer(aging, "<f2").astype(np.float32)
    order_share = float(change[-1])
    fading = math.exp(-pause_s / scale_s)
    whole = order_share + (1.0 - order_share) * fading
    if not 0 < whole <= 1:  # nothing but what fades, or no numbers
        return vector
    change *= np.float32(1.0 - fading / whole)
    change[-1] = 0.0
    aged: Vector = np.frombuffer(vector, "<f4") + change
    return aged.tobytes() if np.isfinite(aged).all() else vector


def is_aging(aging: bytes, vector: bytes) -> bool:
    """Return whether bytes can tell how a vector ages: as many numbers as it has, all finite."""
    if len(aging) * 2 != len(vector):
        return False
    return bool(np.isfinite(np.frombuffer(aging, "<f2")).all())
