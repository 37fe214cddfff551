"""Series of an item's bars: the last minutes, in bars of some length, with gaps or without."""

from collections.abc import Sequence

from streamrec.domain.bars.bar import MINUTE_S, Bar, HeldBars


def series(held: HeldBars, minutes: int, bar_minutes: int, *, is_carried: bool) -> list[Bar]:
    """Return the bars of the last `minutes`, counted back from the stream's now, oldest first.

    Bars begin at whole multiples of their length (an hour's at the full hour, UTC). The first one is whole,
    so it may begin before the minutes asked for; the last one ends with now.

    Parameters
    ----------
    is_carried
        A bar without an event repeats the close before it, with the count 0; else it is left out, as bars
        before the first known value are in any case.

    >>> bars = [Bar(0, 2.0, 3.0, 1.0, 1.0, 2, 3.0), Bar(120, 5.0, 5.0, 5.0, 5.0, 1, 5.0)]
    >>> [bar.close for bar in series(HeldBars(130.0, bars), 3, 1, is_carried=True)]
    [1.0, 1.0, 5.0]
    >>> series(HeldBars(130.0, bars), 3, 5, is_carried=False)
    [Bar(minute=0, open=2.0, high=5.0, low=1.0, close=5.0, count=3, sum=8.0)]
    """
    length_s = bar_minutes * MINUTE_S
    last = int(held.now // MINUTE_S) * MINUTE_S
    first = last - (minutes - 1) * MINUTE_S
    first -= first % length_s
    within: dict[int, list[Bar]] = {}
    for bar in held.bars:
        if first <= bar.minute <= last:
            within.setdefault(bar.minute - bar.minute % length_s, []).append(bar)
    if not is_carried:
        return [_merged(start, bars) for start, bars in within.items()]
    close = next((bar.close for bar in reversed(held.bars) if bar.minute < first), None)
    found = []
    for start in range(first, last + 1, length_s):
        if start in within:
            found.append(_merged(start, within[start]))
            close = found[-1].close
        elif close is not None:
            found.append(Bar(start, open=close, high=close, low=close, close=close, count=0, sum=0.0))
    return found


def _merged(start: int, bars: Sequence[Bar]) -> Bar:
    return Bar(
        start,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        count=sum(bar.count for bar in bars),
        sum=finite(sum(bar.sum for bar in bars)),
    )


def finite(total: float) -> float:
    """Return a sum that grew beyond the largest float as that float: JSON has no infinity."""
    return max(-_LARGEST, min(_LARGEST, total))


_LARGEST = 1.7976931348623157e308
