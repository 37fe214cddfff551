"""A point of the series of the trainer's figures, and the rings that such points are kept in.

A ring has so many slots as its span has intervals, and the point that begins at `at` stands at slot
``at // interval_s % n_slots``: a new one overwrites the one that left the span, so nothing has to be trimmed.
"""

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

import msgspec

from streamrec.domain.events.times import MAX_TIMESTAMP_S
from streamrec.errors import Damaged
from streamrec.payload import decoded


class Ring(NamedTuple):
    """Points of `interval_s` seconds each, of which the last `n_slots` are kept."""

    interval_s: int
    n_slots: int

    def slot(self, at: float) -> int:
        """Return where the point stands that a moment (Unix seconds) belongs to."""
        return int(at // self.interval_s) % self.n_slots

    def begins(self, at: float) -> int:
        """Return when the point of a moment begins, in Unix seconds."""
        return int(at // self.interval_s) * self.interval_s

    def slots_since(self, since: float, now: float) -> list[int]:
        """Return the slots of the points that begin after `since` and not after `now`, the oldest first.

        >>> Ring(10, 6).slots_since(20.0, 55.0), len(Ring(10, 6).slots_since(0.0, 1e9))
        ([3, 4, 5], 6)
        """
        last = int(now // self.interval_s)
        first = max(int(since // self.interval_s) + 1, last - self.n_slots + 1)
        return [number % self.n_slots for number in range(first, last + 1)]


RINGS: Mapping[str, Ring] = {"10s": Ring(10, 360), "1m": Ring(60, 1440)}
"""An hour of points of ten seconds, and a day of minutes, by the names that requests use."""

MAX_POINT_BYTES = 16_384
"""A hundred figures with long names; what is larger was not written by us."""


class StatusPoint(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Figures of one interval.

    Attributes
    ----------
    interval_s
        Its length in seconds, which names the ring.
    at
        When it begins, in Unix seconds.
    values
        By name: counts are of the interval, everything else is its mean.
    """

    interval_s: int
    at: int
    values: dict[str, float]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(StatusPoint).decode


def encode_point(point: StatusPoint) -> bytes:
    """Return a point as bytes; figures that are not finite are left out, of others four digits are kept.

    >>> encode_point(StatusPoint(10, 20, {"lag_s": 1.23456, "loss": float("nan")}))
    b'[10,20,{"lag_s":1.235}]'
    """
    values = {name: float(f"{value:.4g}") for name, value in point.values.items() if math.isfinite(value)}
    return _encode(StatusPoint(point.interval_s, point.at, values))


def placed(points: Iterable[StatusPoint]) -> dict[Ring, dict[int, bytes]]:
    """Return points as bytes, by ring and by the slot there.

    >>> placed([StatusPoint(60, 120, {"n_users": 3.0})])
    {Ring(interval_s=60, n_slots=1440): {2: b'[60,120,{"n_users":3.0}]'}}
    """
    ring_of = {ring.interval_s: ring for ring in RINGS.values()}
    found: dict[Ring, dict[int, bytes]] = {}
    for point in points:
        ring = ring_of[point.interval_s]
        found.setdefault(ring, {})[ring.slot(point.at)] = encode_point(point)
    return found


def decode_points(ring: Ring, written: Iterable[tuple[int, bytes]]) -> list[StatusPoint]:
    """Return the points that stand at these slots, the oldest first.

    What nobody can read, or stands where it does not belong, is left out: it is one point of a line.
    """
    points = []
    for slot, payload in written:
        with suppress(Damaged):
            point = decoded(_decode, payload[:MAX_POINT_BYTES])
            is_at_home = point.interval_s == ring.interval_s and ring.slot(point.at) == slot
            if is_at_home and 0 <= point.at < MAX_TIMESTAMP_S:
                points.append(point)
    return sorted(points, key=lambda point: point.at)
