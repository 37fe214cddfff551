"""Times as people and exports write them."""

import math

import pytest

from streamrec.domain.events.values import DayNumbers, time_of
from streamrec.errors import InvalidEvent

NOON = 1710072000.0  # 2024-03-10 12:00 UTC
MIDNIGHT = 1710028800.0


@pytest.mark.parametrize(
    "given",
    [
        1710072000,
        1710072000.0,
        "1710072000",
        " 1710072000.0 ",
        "2024-03-10T12:00:00Z",
        "2024-03-10 12:00:00",
        "2024-03-10 12:00:00 UTC",
        "2024-03-10 12:00:00.000 UTC",
        "2024-03-10 12:00:00 GMT",
        "2024-03-10 12:00:00 utc",
        "2024-03-10 12:00:00UTC",
        "2024-03-10 12:00:00 Z",
        "  2024-03-10 12:00:00 ",
        "2024-03-10 12:00:00\t",
        "2024-03-10 14:00:00+02:00",
        "2024-03-10 14:00:00 +0200",
        "2024-03-10 14:00:00.000000 +02:00",
        "2024-03-10 14:00:00 +02",
        "2024-03-10T12:00:00.000000000Z",
        "2024-03-10  12:00",
        "2024-3-10 12:00:00",
        "2024/03/10 12:00:00",
        "2024/3/10 12:00 UTC",
        "2024.03.10 12:00:00",
        "2024-03-10T12:00:00,000Z",
        "20240310T120000Z",
    ],
)
def test_forms_that_are_read(given: str | float) -> None:
    assert time_of(given, "refused") == NOON


def test_fractions_and_bounds() -> None:
    assert time_of("2024-03-10 12:00:00.25 UTC", "refused") == NOON + 0.25
    assert time_of(0, "refused") == time_of("1970-01-01", "refused") == 0.0
    assert time_of(4294967295, "refused") == 4294967295.0
    assert time_of("2024-03-10", "refused") == time_of("2024-03-10 UTC", "refused") == MIDNIGHT


@pytest.mark.parametrize("given", [20240310, 20240310.0, "20240310", " 20240310 ", "20240310.0"])
def test_eight_digits_that_are_a_date(given: str | float) -> None:
    assert time_of(given, "days") == MIDNIGHT
    assert time_of(given, "seconds") == 20240310.0
    with pytest.raises(InvalidEvent, match="looks like a date; wanted .* 2024-03-10"):
        time_of(given, "refused")


@pytest.mark.parametrize("given", [0, 5, 300.5, 20240332, 20241301, 20230229, 20240310.5, 99991231, 1240310])
@pytest.mark.parametrize("day_numbers", ["days", "refused", "seconds"])
def test_other_numbers_are_seconds(given: float, day_numbers: DayNumbers) -> None:
    assert time_of(given, day_numbers) == given


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (-5, "-5 is negative"),
        ("-5", "'-5' is negative"),
        (math.nan, "nan is not a number"),
        ("nan", "'nan' is not a number"),
        (math.inf, "too large"),
        (1700000000000, "looks like milliseconds"),
        (1700000000000000, "looks like microseconds"),
        (1700000000000000000, "looks like nanoseconds"),
        ("1700000000000000000", "looks like nanoseconds"),
        (1e30, "too large"),
        (10**4000, "too large"),
        (20240310120000, "looks like a date and a time"),
        (202403101200, "looks like a date and a time"),
        (202413101200, "looks like milliseconds"),
        ("10-03-2024 09:30", "neither Unix seconds nor ISO 8601; read are 1710063000, 2024-03-10"),
        ("03/10/2024", "neither"),
        ("yesterday", "'yesterday' is neither"),
        ("2024-03-10 12:00:00 EST", "neither"),
        ("2024-03-10 25:00 UTC", "no date of the calendar"),
        ("2024-02-30", "no date of the calendar"),
        ("1_700_000_000", "neither"),
        ("1969-12-31T23:59:59Z", "before 1970"),
        ("9999-12-31", "after the year 5138"),
        ("0001-01-01T00:00:00+23:59", "before 1970"),
        ("", "neither"),
        ("x" * 100_000, "neither"),
    ],
)
def test_words_for_what_is_refused(given: str | float, words: str) -> None:
    with pytest.raises(InvalidEvent, match=words) as caught:
        time_of(given, "refused")
    assert caught.value.reason == "bad_timestamp"
    assert len(str(caught.value)) < 250
