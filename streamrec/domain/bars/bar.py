"""A minute of an item's value: as it is answered, and as it stands in the hot cache.

In the cache a minute is a bar of `PACKED_BYTES`, little-endian: version (1 byte), the minute since 1970
(int32), count (uint32), open, high, low, close and sum (float64). An item has as many slots as the window has
minutes, and a minute stands at slot ``minute % window``: a new minute overwrites the one that left
the window, so nothing has to be trimmed. A bar at another slot than its own is of another window, and is
passed over, as one of another version is, and one whose figures are not finite.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.times import MAX_TIMESTAMP_S
from streamrec.errors import Damaged
from streamrec.payload import decoded

MINUTE_S = 60

MAX_WINDOW = 1440
"""Minutes: a day. Older values belong into a store made for them."""

VERSION = 1

FIGURES = [(name, "<f8") for name in ("open", "high", "low", "close", "sum")]

_FIELDS = [("minute", "<i4"), ("count", "<u4"), *FIGURES]

PACKED = np.dtype([("version", "u1"), *_FIELDS])

PACKED_BYTES = PACKED.itemsize


class Bar(msgspec.Struct, frozen=True, gc=False):
    """Open, high, low and close of an item's value from `minute` on, for a minute or longer.

    Attributes
    ----------
    minute
        Unix seconds when it begins.
    open, close
        The value of the earliest and of the latest event, by the events' own times.
    count, sum
        Of the events' values; 0 where a bar only carries the last close on.
    """

    minute: int
    open: float
    high: float
    low: float
    close: float
    count: int
    sum: float


class HeldBars(NamedTuple):
    """Minutes that are held of one item, oldest first.

    Minutes before the window are among them where no newer one has overwritten them. `now` is the newest
    event time of the whole stream, in Unix seconds.
    """

    now: float
    bars: list[Bar]


class BarsSpan(msgspec.Struct, frozen=True, array_like=True):
    """Span that bars are kept for: `window` minutes back from `now` (Unix seconds)."""

    now: float
    window: int


class BarsUpdate(NamedTuple):
    """Changes of one publication. First all bars of the forgotten items are removed; then `bars` are set.

    Attributes
    ----------
    bars
        Item id -> its changed minutes, packed, one after the other.
    forgotten
        Ids of items that were evicted.
    """

    span: BarsSpan
    bars: Mapping[str, bytes]
    forgotten: Sequence[str]


_decode_span = msgspec.json.Decoder(BarsSpan).decode


def decode_span(written: str | bytes) -> BarsSpan:
    """Read the span that bars are kept for.

    Raises
    ------
    Damaged
        When it is no span of minutes that are kept.
    """
    span = decoded(_decode_span, written)
    if not (1 <= span.window <= MAX_WINDOW and 0 <= span.now < MAX_TIMESTAMP_S):
        raise Damaged(f"bars of {span.window} minutes up to {span.now}")
    return span


def pack(tallies: NDArray[Any]) -> bytes:
    """Return (N,) minutes with the fields of `PACKED`, whatever their version and other fields, as bytes."""
    packed = np.empty(len(tallies), PACKED)
    packed["version"] = VERSION
    for name, _ in _FIELDS:
        packed[name] = tallies[name]
    return packed.tobytes()


def by_slot(packed: bytes, window: int) -> dict[int, bytes]:
    """Return one item's packed minutes by the slot at which each belongs."""
    minutes = np.frombuffer(packed, PACKED)["minute"].tolist()
    return {
        minute % window: packed[index * PACKED_BYTES : (index + 1) * PACKED_BYTES]
        for index, minute in enumerate(minutes)
    }


def unpack(slots: Iterable[tuple[int, bytes]], window: int) -> list[Bar]:
    """Return the minutes that stand at these slots, oldest first.

    >>> tally = np.array([(1, 7, 2, 1.0, 3.0, 1.0, 3.0, 4.0)], PACKED)
    >>> unpack([(slot, bar) for slot, bar in by_slot(pack(tally), window=5).items()], window=5)
    [Bar(minute=420, open=1.0, high=3.0, low=1.0, close=3.0, count=2, sum=4.0)]
    """
    bars = []
    for slot, packed in slots:
        if len(packed) != PACKED_BYTES:
            continue
        version, minute, count, *figures = np.frombuffer(packed, PACKED)[0].item()
        if version == VERSION and minute % window == slot and all(map(math.isfinite, figures)):
            first, high, low, last, total = figures
            bars.append(
                Bar(minute * MINUTE_S, open=first, high=high, low=low, close=last, count=count, sum=total)
            )
    return sorted(bars, key=lambda bar: bar.minute)
