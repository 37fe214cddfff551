"""Parsing of times as people and exports write them, into Unix seconds."""

import math
import re
from datetime import UTC, date, datetime, timedelta
from typing import Literal

MAX_TIMESTAMP_S = 1e11
"""The year 5138. Larger numbers are milliseconds sent by mistake."""

MAX_DAY_NUMBER = 1e8
"""Numbers of eight digits are below it; so are Unix seconds until March 1973."""

READ_FORMS = "1710063000, 2024-03-10, 2024-03-10T09:30:00Z, 2024-03-10 09:30:00 UTC or +02:00"

_FIRST_DAY, _LAST_DAY = 19700101, 20991231
# Seconds of the smallest unit's first year that is no second's: 1973 in each of them.
_UNITS = ((1e14, "milliseconds"), (1e17, "microseconds"), (1e20, "nanoseconds"))
_FIRST_DIGITS, _LAST_DIGITS = 19700101_0000, 20991231_235959

_YEAR_FIRST = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T\s]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?)?"
    r"\s*(?:Z|UTC|GMT|([+-]\d{2}):?(\d{2})?)?(?:\[[\w/+-]+\])?",
    re.ASCII | re.IGNORECASE,
)


class BadTime(ValueError):
    """A time that can't be read; the message says what is wrong with it."""


def seconds_of(given: str | float) -> float:
    """Return a number of Unix seconds, or the Unix seconds of a date that begins with the year.

    A time without a zone is taken as UTC: a server's own time zone must not change what is learned.

    Raises
    ------
    BadTime
        When it can't be read; the message says why.

    >>> seconds_of("2024/3/10 9:30"), seconds_of(5)
    (1710063000.0, 5.0)
    """
    if isinstance(given, str):
        return _in_range(_moment(given.strip()))
    if 0 <= given < MAX_TIMESTAMP_S:
        return float(given)
    raise BadTime(_about_number(given))


def is_day_number(number: float) -> bool:
    """Return whether a number reads as a date without separators.

    >>> [is_day_number(number) for number in (20240310, 20240310.0, 20240332, 20240310.5, 5)]
    [True, True, False, False, False]
    """
    if not _FIRST_DAY <= number <= _LAST_DAY or number != int(number):
        return False
    return _date_of(int(number)) is not None


def day_of(number: int, meaning: Literal["days", "only_days", "refused"]) -> float:
    """Return the Unix seconds at which the day of a `is_day_number` begins (UTC).

    Raises
    ------
    BadTime
        When such a number is to be refused.
    """
    day = _date_of(number)
    if day is None or meaning == "refused":
        raise BadTime(f"looks like a date; wanted Unix seconds or a text such as {day}")
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _date_of(number: int) -> date | None:
    try:
        return date(number // 10000, number // 100 % 100, number % 100)
    except ValueError:
        return None


def _about_number(number: float) -> str:
    if isinstance(number, float) and math.isnan(number):
        return "is not a number"
    if number < 0:
        return "is negative: it lies before 1970"
    if _FIRST_DIGITS <= number <= _LAST_DIGITS and _is_digits_of_a_moment(int(number)):
        return "looks like a date and a time without separators; wanted Unix seconds or 2024-03-10T09:30:00Z"
    for limit, unit in _UNITS:
        if number < limit:
            return f"looks like {unit}; wanted Unix seconds"
    return "is too large; wanted Unix seconds"


def _is_digits_of_a_moment(number: int) -> bool:
    """Return whether a number is YYYYMMDDhhmm or YYYYMMDDhhmmss."""
    digits = str(number)
    if len(digits) not in (12, 14) or _date_of(int(digits[:8])) is None:
        return False
    return int(digits[8:10]) < 24 and all(int(digits[at : at + 2]) < 60 for at in range(10, len(digits), 2))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _year_first(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _year_first(text: str) -> datetime:
    """Read what `datetime.fromisoformat` does not: zones as words, slashes, digits left out."""
    parts = _YEAR_FIRST.fullmatch(text)
    if parts is None:
        raise BadTime(f"is neither Unix seconds nor ISO 8601; read are {READ_FORMS}")
    year, month, day, hour, minute, second, fraction, zone_hour, zone_minute = parts.groups()
    # Where clocks keep them there are leap seconds, and midnight ends a day as 24:00.
    is_leap, is_midnight = (
        (minute, second) == ("59", "60"),
        (hour, minute, second or "00") == ("24", "00", "00"),
    )
    second, hour = "59" if is_leap else second, "00" if is_midnight else hour
    iso = f"{year}-{month:0>2}-{day:0>2}T{hour or '0':0>2}:{minute or '00'}:{second or '00'}"
    iso += f".{fraction}" if fraction else ""
    iso += f"{zone_hour}:{zone_minute or '00'}" if zone_hour else ""
    try:
        return datetime.fromisoformat(iso) + timedelta(days=is_midnight, seconds=is_leap)
    except (ValueError, OverflowError):
        raise BadTime(f"is no date of the calendar; read are {READ_FORMS}") from None


def _in_range(moment: datetime) -> float:
    seconds = moment.timestamp()
    if seconds < 0:
        raise BadTime("lies before 1970")
    if seconds >= MAX_TIMESTAMP_S:
        raise BadTime("lies after the year 5138")
    return seconds
