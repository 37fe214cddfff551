"""Columns of text whose first rows tell what was meant: days as numbers, ids that were floats."""

import re
from collections.abc import Iterable, Sequence

from streamrec.domain.events.times import MAX_DAY_NUMBER, is_day_number
from streamrec.domain.events.values import DayNumbers

N_ROWS_PEEKED = 1000
"""Rows that tell; the memory that they take is bounded with them."""

_SHARE_OF_DAYS = 0.9  # of a made stream's own numbers at most 31 of 100 look like days
_WHOLE = re.compile(r"-?\d+(\.0+)?", re.ASCII)
_WHOLE_FLOAT = re.compile(r"-?\d+\.0+", re.ASCII)


def day_numbers_of(times: Iterable[object]) -> DayNumbers:
    """Return what a number such as 20240310 stands for in a column of times that begins like this.

    >>> day_numbers_of(["20240310", "20240401"]), day_numbers_of([0, 5, 20240310])
    ('only_days', 'seconds')
    >>> day_numbers_of(["2024-03-10", 1710028800])
    'days'
    """
    numbers = [number for time in times if (number := _number(time)) is not None]
    small = [number for number in numbers if 0 <= number < MAX_DAY_NUMBER]
    if not small:
        return "days"
    n_days = sum(map(is_day_number, small))
    return "only_days" if n_days > _SHARE_OF_DAYS * len(small) else "seconds"


def _number(time: object) -> float | None:
    try:
        return float(time)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def were_floats(ids: Sequence[object]) -> bool:
    """Return whether a column of text that begins like this holds whole numbers that were written as floats.

    >>> were_floats(["41.0", "41"]), were_floats(["1.0", "1.1"]), were_floats(["41"])
    (True, False, False)
    """
    texts = [id_ for id_ in ids if isinstance(id_, str)]
    return any(map(is_whole_float, texts)) and all(map(_WHOLE.fullmatch, texts))


def is_whole_float(text: str) -> bool:
    """Return whether a text is a whole number with a decimal point, such as 41.0."""
    return _WHOLE_FLOAT.fullmatch(text) is not None
