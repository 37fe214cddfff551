"""Which records are ticks."""

import json
from typing import Any

import pytest

from streamrec.bars.ticks import DecodedTicks, TickRules, ticks_of
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.events.weights import RETRACT, EventWeights
from streamrec.ports import Record
from streamrec.process.decoding import decode_events

WEIGHTS = EventWeights({"impression": 0.0, "dislike": -1.0})


def decoded(*events: Any, rules: TickRules | None = None, window: int = 100) -> DecodedTicks:
    payloads = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    records = [Record("interactions", 0, offset, "key", value, 50.0) for offset, value in enumerate(payloads)]
    return ticks_of(decode_events(records, RecentIds(window)), rules or TickRules(WEIGHTS))


def event(**fields: Any) -> dict[str, Any]:
    return {"user_id": "u", "item_id": "i", "timestamp": 5, "value": 2} | fields


@pytest.mark.parametrize(
    ("value", "number"),
    [(2, 2.0), (2.5, 2.5), ("10.25", 10.25), (" 1e3 ", 1000.0), (-3, -3.0), ("-0.5", -0.5)],
)
def test_a_value_is_any_number_also_as_text(value: Any, number: float) -> None:
    assert decoded(event(value=value)).ticks.values.tolist() == [number]


@pytest.mark.parametrize("value", ["NaN", "nan", "", "NULL"])
def test_a_text_that_stands_for_no_value_is_no_tick(value: str) -> None:
    found = decoded(event(value=value))
    assert (len(found.ticks.item_ids), found.ignored) == (0, {"without_value": 1})


@pytest.mark.parametrize("value", ["inf", "-Infinity", "much", [1], {}, True])
def test_what_is_no_finite_number_is_no_tick(value: Any) -> None:
    found = decoded(event(value=value))
    assert (len(found.ticks.item_ids), found.ignored) == (0, {"malformed": 1})


def test_json_has_no_nan() -> None:
    assert decoded(b'{"user_id": "u", "item_id": "i", "value": NaN}').ignored == {"malformed": 1}


def test_invalid_records_are_counted_and_the_rest_is_read() -> None:
    found = decoded(b"no json", b"", b"[]", event(item_id=""), event(timestamp=1e12), event(item_id=7))
    assert found.ticks.item_ids == ["7"]
    assert found.ignored == {"malformed": 5}


def test_times_are_the_events_own_or_else_the_logs() -> None:
    found = decoded(event(timestamp="1970-01-01T00:01:00Z"), event(timestamp=None))
    assert found.ticks.times.tolist() == [60.0, 50.0]
    assert found.ticks.arrivals.tolist() == [50.0, 50.0]


def test_dislikes_and_events_without_a_value_are_left_out() -> None:
    found = decoded(
        event(value=None),
        event(type="dislike"),
        event(type="impression", value=1),
        event(type="any", value=3),
    )
    assert found.ticks.values.tolist() == [1.0, 3.0]
    assert found.ignored == {"without_value": 1, "of_other_types": 1}


def test_only_named_types_count_where_some_are_named() -> None:
    rules = TickRules(WEIGHTS, frozenset({"trade", "dislike"}))
    found = decoded(event(type="trade"), event(type="quote"), event(type="dislike"), rules=rules)
    assert (found.ticks.values.tolist(), found.ignored) == ([2.0], {"of_other_types": 2})


def test_repeats_are_dropped_within_the_window() -> None:
    events = [event(event_id=id_) for id_ in ("a", "a", "b", "a")]
    assert decoded(*events).ignored == {"repeats": 2}
    assert decoded(*events, window=1).ignored == {"repeats": 1}


def test_what_is_taken_back_is_no_tick_even_where_it_is_named() -> None:
    assert not TickRules(WEIGHTS).count(RETRACT)
    assert not TickRules(WEIGHTS, frozenset({RETRACT})).count(RETRACT)
