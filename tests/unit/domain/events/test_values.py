"""Ids, types and values as senders write them."""

import math

import pytest

from streamrec.domain.events.values import NULL_MARKERS, event_id_of, id_of, type_of, value_of
from streamrec.errors import InvalidEvent


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (41, "41"),
        (41.0, "41"),
        (-41.0, "-41"),
        (-0.0, "0"),
        (1e15, "1000000000000000"),
        (2.0**53, "9007199254740992"),
        (2**53 + 1, "9007199254740993"),
        (10**255, "1" + "0" * 255),
        (8.5, "8.5"),
        ("41.0", "41.0"),
        (" 41", " 41"),
        ("NULL", "NULL"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_ids_that_are_read(given: str | float, wanted: str) -> None:
    assert id_of("user_id", given) == wanted


@pytest.mark.parametrize(
    ("given", "reason", "words"),
    [
        (2.0**53 + 2, "inexact_id", "item_id is the float 9007199254740994.0.*another number"),
        (-1e300, "inexact_id", "another number"),
        (math.nan, "bad_id", "is nan"),
        (math.inf, "bad_id", "is inf"),
        (10**256, "bad_id", "256 digits"),
        (10**4000, "bad_id", "256 digits"),
        ("", "bad_id", "has 0"),
        ("x" * 257, "bad_id", "has 257"),
        ("🎬" * 65, "bad_id", "260 bytes"),
        ("\udcff", "bad_id", "Unicode"),
        (r"\N", "null_id", "stands for no value"),
    ],
)
def test_ids_that_are_refused(given: str | float, reason: str, words: str) -> None:
    with pytest.raises(InvalidEvent, match=words) as caught:
        id_of("item_id", given)
    assert caught.value.reason == reason


@pytest.mark.parametrize("marker", sorted(NULL_MARKERS))
def test_a_marker_is_no_value_no_type_and_no_event_id(marker: str) -> None:
    # As an id it would make all events but the first one repeats.
    assert (value_of(marker), type_of(marker), event_id_of(marker)) == (None, "interaction", None)


def test_numbers_as_event_ids_and_types() -> None:
    assert (event_id_of(7), event_id_of(7.0), event_id_of(math.nan)) == ("7", "7", None)
    assert (type_of(2), type_of(2.0), type_of(math.nan)) == ("2", "2", "interaction")
    assert event_id_of("x" * 300) == "x" * 300
    for wrong in (2.0**60, "\udcff"):
        with pytest.raises(InvalidEvent):
            event_id_of(wrong)


@pytest.mark.parametrize(("given", "wanted"), [(0, 0.0), (-2.5, -2.5), (" 2.5 ", 2.5), ("1e3", 1000.0)])
def test_values_that_are_read(given: str | float, wanted: float) -> None:
    assert value_of(given) == wanted


@pytest.mark.parametrize("given", ["cheap", "3,5", "1_000", "inf", -math.inf, "1e999", 10**400, "$5"])
def test_values_that_are_refused(given: str | float) -> None:
    with pytest.raises(InvalidEvent, match="value") as caught:
        value_of(given)
    assert caught.value.reason == "bad_value"
