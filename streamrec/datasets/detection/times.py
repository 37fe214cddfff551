"""Detection of the form in which a column writes times."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from streamrec.datasets.files.text_columns import day_numbers_of, with_point
from streamrec.domain.events.time_formats import TimeFormat
from streamrec.domain.events.times import BadTime
from streamrec.domain.events.values import time_of
from streamrec.errors import InvalidEvent

_DATES = (
    ("%d.%m.%Y", "%d.%m.%y", "%Y-%m-%d", "%d %b %Y", "%d-%b-%Y", "%b %d %Y", "%b %d, %Y", "%d %B %Y")
    + ("%B %d, %Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y", "%m %d, %Y")
    + ("%Y年%m月%d日", "%Y-%j", "%Y-%m", "%m/%Y", "%b %Y")
)  # fmt: skip
_TIMES: tuple[str, ...] = (
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    " %I:%M %p",
    " %I:%M:%S %p",
    ", %H:%M",
    ", %H:%M:%S",
)
_TIMES += ("_%H-%M-%S", " %H-%M-%S", " at %H:%M")
_WHOLE: tuple[str, ...] = (
    "%d/%b/%Y:%H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %z %Y",
    "%a %b %d %H:%M:%S UTC %Y",
    "%a %b %d %Y %H:%M:%S GMT%z",
    "%Y%m%d%H%M%S",
)
_WHOLE += ("%Y%m%d%H%M", "%d.%m.%Y %H.%M", "%d.%m.%Y %H:%M Uhr")
PATTERNS = (*(date + time for date in _DATES for time in _TIMES), *_WHOLE)

OUR_DAYS = 631_152_000.0, 2_208_988_800.0  # 1990 to 2040
_UNITS = (
    (None, 1.0, "Unix seconds"),
    ("ms", 1e3, "milliseconds"),
    ("us", 1e6, "microseconds"),
    ("ns", 1e9, "nanoseconds"),
)
_TICKS = (6.3e17, 6.5e17)  # tenths of microseconds since the year 1, of 1997 to 2060: as nanoseconds, 1990
_FIRST_EXCEL, _LAST_EXCEL = 36_526, 51_137  # days of the years 2000 to 2040
_LEAST_SHARE = 0.9
_N_LOOKED_AT = 1000


class TimesFound(NamedTuple):
    """Form of a column of times.

    Attributes
    ----------
    format
        As `TimeFormat` takes it; None: no option is needed.
    share
        Of the values that are of this form.
    other
        Another form that fits as well: which one is meant can't be known.
    words
        What decided, for people.
    doubt
        What a person should look at.
    """

    format: str | None
    share: float
    other: str | None = None
    words: str = ""
    doubt: str | None = None


def times_in(values: Sequence[Any], decimal: str, *, is_named: bool) -> TimesFound | None:
    """Return the form of times of a column that begins like this; None: it holds no times.

    Parameters
    ----------
    is_named
        Whether the column's name says that it holds times: then numbers of any size may be some.
    """
    values = [with_point(one, decimal) if isinstance(one, str) else one for one in values[:_N_LOOKED_AT]]
    if not values:
        return None
    numbers = [number for value in values if (number := _number(value)) is not None]
    if len(numbers) >= _LEAST_SHARE * len(values):
        return _numbers(values, numbers, is_named=is_named)
    share = _share(values, None)
    if share >= _LEAST_SHARE:
        return TimesFound(None, share, words="ISO 8601")
    found = sorted(((_share(values, name), name) for name in _likely(values)), reverse=True)
    if not found or found[0][0] < _LEAST_SHARE:
        return None
    best = [name for share, name in found if share == found[0][0]]
    return _chosen(values, best, found[0][0])


def told_times(values: Sequence[Any], name: str, decimal: str) -> TimesFound | None:
    """Return how many times of a column are of a form that somebody names; None: not one."""
    values = [with_point(one, decimal) if isinstance(one, str) else one for one in values[:_N_LOOKED_AT]]
    share = _share(values, name) if values else 0.0
    return TimesFound(name, share, words=name) if share else None


def share_read(values: Sequence[Any], decimal: str) -> float:
    """Return the share of a column's values that are times without any option."""
    values = [with_point(one, decimal) if isinstance(one, str) else one for one in values[:_N_LOOKED_AT]]
    return _share(values, None) if values else 0.0


def moments_of(values: Sequence[Any], name: str | None, decimal: str) -> list[float]:
    """Return the Unix seconds of those values that are times of a form."""
    plain = (with_point(one, decimal) if isinstance(one, str) else one for one in values)
    return [second for one in plain if (second := _seconds(one, name)) is not None]


def _share_between(numbers: list[float], low: float, high: float) -> float:
    return sum(low <= number <= high for number in numbers) / len(numbers)


def _in_units(numbers: list[float]) -> TimesFound | None:
    """Return the unit in which numbers are moments of our days."""
    if _share_between(numbers, *_TICKS) >= _LEAST_SHARE:
        return None
    for unit, factor, words in _UNITS:
        share = _share_between(numbers, OUR_DAYS[0] * factor, OUR_DAYS[1] * factor)
        if share >= _LEAST_SHARE:
            return TimesFound(unit, share, words=words)
    return None


def _numbers(values: Sequence[Any], numbers: list[float], *, is_named: bool) -> TimesFound | None:
    if (found := _in_units(numbers)) is not None:
        return found
    for name in ("%Y%m%d%H%M%S", "%Y%m%d%H%M"):
        if (share := _share([_digits(value) for value in values], name)) >= _LEAST_SHARE:
            return TimesFound(name, share, words=name)
    if day_numbers_of(numbers) == "only_days":
        return TimesFound(None, 1.0, words="days such as 20240310")
    if not is_named:
        return None
    share = _share_between(numbers, _FIRST_EXCEL, _LAST_EXCEL)
    if share >= _LEAST_SHARE:
        doubt = None if any(number % 1 for number in numbers) else _doubt(numbers, "days of a spreadsheet")
        return TimesFound("excel", share, words="days as spreadsheets count them", doubt=doubt)
    if (share := _share(values, None)) >= _LEAST_SHARE:
        doubt = _doubt(numbers, "seconds since 1970")
        return TimesFound(None, share, words="seconds that begin long ago", doubt=doubt)
    return None


def _doubt(numbers: list[float], what: str) -> str:
    return f"times such as {numbers[0]:g} are read as {what}; if they are something else, make dates of them"


def _chosen(values: Sequence[Any], names: list[str], share: float) -> TimesFound:
    """Choose between days and months first by the order of the file, where the numbers leave it open."""
    if len(names) == 1 or not _is_swapped(names[0], names[1]):
        return TimesFound(names[0], share, words=names[0])
    sorted_by = {name: _share_in_order(values, name) for name in names[:2]}
    first, second = sorted(sorted_by, key=lambda name: sorted_by[name], reverse=True)
    if sorted_by[first] == 1.0 and sorted_by[second] < 1.0:
        return TimesFound(first, share, words=f"{first}; as {second} the rows would not be in order of time")
    return TimesFound(first, share, second)


def _is_swapped(one: str, other: str) -> bool:
    return one.replace("%d", "x").replace("%m", "%d").replace("x", "%m") == other


def _share_in_order(values: Sequence[Any], name: str) -> float:
    seconds = [second for value in values if (second := _seconds(value, name)) is not None]
    pairs = list(pairwise(seconds))
    n_up, n_down = sum(one <= other for one, other in pairs), sum(one >= other for one, other in pairs)
    return max(n_up, n_down) / len(pairs) if pairs else 0.0


def _likely(values: Sequence[Any]) -> list[str]:
    """Return the patterns that fit one of the first values."""
    return [name for name in PATTERNS if any(_seconds(value, name) is not None for value in values[:5])]


def _share(values: Sequence[Any], name: str | None) -> float:
    return sum(_seconds(value, name) is not None for value in values) / len(values)


def _seconds(value: object, name: str | None) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return time_of(value, "days") if name is None else _format(name).seconds_of(value)
    except (InvalidEvent, BadTime):
        return None


@cache
def _format(name: str) -> TimeFormat:
    return TimeFormat(name)


def _digits(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or "_" in str(value):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
