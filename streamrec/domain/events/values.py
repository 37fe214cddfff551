r"""Rules for ids, times, types and values as senders write them: one set for files, HTTP and the log.

A whole float is the integer of that number, up to 2^53; a `\N` is no id; a value that is no number
("NaN", "NULL") is no value; a time is a number of Unix seconds or a date that begins with the year.
"""

import math
from typing import Literal

from streamrec.domain.events.interaction import DEFAULT_EVENT_TYPE, MAX_ID_BYTES
from streamrec.domain.events.times import (
    MAX_DAY_NUMBER,
    MAX_TIMESTAMP_S,
    BadTime,
    day_of,
    is_day_number,
    seconds_of,
)
from streamrec.errors import InvalidEvent

MAX_EXACT_FLOAT = 2**53
"""Whole floats beyond it stand for several integers: which one was meant can't be known."""

NULL_ID = r"\N"
"""MySQL's and PostgreSQL's text for "no value"; no system gives it to a user or an item."""

_MAX_EXACT_BITS = 850  # an integer of more bits has more than 256 digits: it is refused unwritten

NULL_MARKERS = frozenset(
    ("", NULL_ID, "NULL", "Null", "null", "None", "none", "NONE", "NaN", "nan", "NAN", "NaT")
    + ("NA", "N/A", "n/a", "#N/A", "<NA>", "<null>", "(null)", "nil")
)
"""Texts that exports write where there is no value."""

DayNumbers = Literal["days", "only_days", "refused", "seconds"]
"""Meaning of a time such as 20240310: a day (UTC), a mistake, or Unix seconds of August 1970.

With "only_days", other numbers of that size are mistakes.
"""


def id_of(field: str, given: str | float) -> str:
    """Return the id that a sender means.

    Parameters
    ----------
    field
        Name of the field, for the message.

    Raises
    ------
    InvalidEvent
        When it is none.

    >>> id_of("user_id", 41.0), id_of("user_id", 41), id_of("user_id", 8.5), id_of("user_id", "41.0")
    ('41', '41', '8.5', '41.0')
    """
    text = given if isinstance(given, str) else _number_as_id(field, given)
    if text == NULL_ID:
        raise InvalidEvent("null_id", rf"{field} is '\N', which stands for no value")
    # Characters bound bytes from below and by a factor of four from above: most ids need no encoding.
    if not text.isascii():
        n_bytes = _check_unicode(field, text)
        if n_bytes > MAX_ID_BYTES:
            raise InvalidEvent("bad_id", f"{field} has {n_bytes} bytes; at most {MAX_ID_BYTES} are allowed")
    elif not 0 < len(text) <= MAX_ID_BYTES:
        raise InvalidEvent("bad_id", f"{field} must have 1 to {MAX_ID_BYTES} bytes, has {len(text)}")
    return text


def check_id(field: str, text: str) -> str:
    """Return an id that our own records name, if it has 1 to 256 bytes.

    Raises
    ------
    InvalidEvent
        When it is none.
    """
    if not 0 < len(text.encode(errors="replace")) <= MAX_ID_BYTES:
        raise InvalidEvent("bad_id", f"{field} must have 1 to {MAX_ID_BYTES} bytes")
    return text


def check_moment(field: str, at: float, reason: str) -> None:
    """Pass a moment that is one, in Unix seconds.

    Raises
    ------
    InvalidEvent
        For `reason`, when it is none.
    """
    if not 0 <= at < MAX_TIMESTAMP_S:  # false for a NaN too
        raise InvalidEvent(reason, f"{field} {at!r}: wanted Unix seconds")


def _check_unicode(field: str, text: str) -> int:
    """Return the number of bytes of a text that can be written."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidEvent("bad_id", f"{field} is not Unicode text") from None


def _number_as_id(field: str, number: float) -> str:
    if isinstance(number, float):
        if not math.isfinite(number):
            raise InvalidEvent("bad_id", f"{field} is {number}")
        if not number.is_integer():
            return str(number)
        if abs(number) > MAX_EXACT_FLOAT:
            raise InvalidEvent(
                "inexact_id",
                f"{field} is the float {number!r}: above 2^53 it may have been another number; send a text",
            )
        number = int(number)
    if number.bit_length() > _MAX_EXACT_BITS:
        raise InvalidEvent("bad_id", f"{field} is a number of more than {MAX_ID_BYTES} digits")
    return str(number)


def event_id_of(given: str | float) -> str | None:
    """Return an event's own id; None where a sender writes that there is none.

    >>> event_id_of(7.0), event_id_of("NULL"), event_id_of("a")
    ('7', None, 'a')

    Raises
    ------
    InvalidEvent
        When it is none.
    """
    # Taken for an id, a marker would make every event but the first one a repeat.
    if given in NULL_MARKERS:
        return None
    if not isinstance(given, str):
        return None if _is_nan(given) else _number_as_id("event_id", given)
    if not given.isascii():
        _check_unicode("event_id", given)
    return given


def type_of(given: str | float) -> str:
    """Return the type of an event.

    >>> type_of("view"), type_of(2), type_of(2.0), type_of("NULL")
    ('view', '2', '2', 'interaction')

    Raises
    ------
    InvalidEvent
        When it is a number that is not finite, or too large.
    """
    if isinstance(given, str):
        return DEFAULT_EVENT_TYPE if given in NULL_MARKERS else given
    return DEFAULT_EVENT_TYPE if _is_nan(given) else _number_as_id("type", given)


def value_of(given: str | float) -> float | None:
    """Return the value of an event; None for a NaN, and for the texts that stand for no value.

    >>> value_of("2.50"), value_of(" 3 "), value_of(float("nan")), value_of("NULL")
    (2.5, 3.0, None, None)

    Raises
    ------
    InvalidEvent
        When it is no number, or an infinite one.
    """
    if type(given) is float and math.isfinite(given):
        return given
    if isinstance(given, str) and given.strip() in NULL_MARKERS:
        return None
    try:
        value = _number(given)
    except ValueError:
        raise InvalidEvent("bad_value", f"value {str(given)[:40]!r} is not a number") from None
    except OverflowError:
        value = math.inf
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return None
    raise InvalidEvent("bad_value", f"value is {value}")


def time_of(given: str | float, day_numbers: DayNumbers) -> float:
    """Return the Unix seconds of a time as senders write it.

    Parameters
    ----------
    day_numbers
        Meaning of a number of eight digits that is a date.

    Raises
    ------
    InvalidEvent
        In words that say what is wrong with it.

    >>> time_of("2024-03-10 09:30:00 UTC", "refused"), time_of("20240310", "days")
    (1710063000.0, 1710028800.0)
    """
    if type(given) is float and day_numbers == "seconds" and 0 <= given < MAX_TIMESTAMP_S:
        return given
    try:
        return _time_of(given, day_numbers)
    except BadTime as error:
        raise InvalidEvent("bad_timestamp", f"timestamp {_shown(given)} {error}") from None


def _time_of(given: str | float, day_numbers: DayNumbers) -> float:
    if isinstance(given, str):
        try:
            number = _number(given)
        except ValueError:
            return seconds_of(given)
    else:
        number = given
    if day_numbers != "seconds" and is_day_number(number):
        return day_of(int(number), day_numbers)
    if day_numbers == "only_days" and 0 <= number < MAX_DAY_NUMBER:
        raise BadTime("is no date; other times beside it are dates such as 20240310")
    return seconds_of(number)


def _is_nan(number: float) -> bool:
    return isinstance(number, float) and math.isnan(number)


def _number(given: str | float) -> float:
    """Read a number; underscores between digits are Python's, and no exporter's."""
    if isinstance(given, str) and "_" in given:
        raise ValueError(given)
    return float(given)


def _shown(given: str | float) -> str:
    if isinstance(given, int) and given.bit_length() > _MAX_EXACT_BITS:
        return "of hundreds of digits"
    return repr(given[:40] if isinstance(given, str) else given)
