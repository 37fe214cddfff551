import json

import pytest

from streamrec.domain.events.interaction import Interaction
from streamrec.errors import InvalidEvent
from streamrec.wire import (
    MAX_EVENT_BYTES,
    Command,
    RejectedRecord,
    VectorRecord,
    decode_command,
    decode_event,
    decode_rejected,
    decode_vector,
    encode_command,
    encode_event,
    encode_rejected,
    encode_vector,
)


def payload(**fields: object) -> bytes:
    return json.dumps({"user_id": "u", "item_id": "i", "timestamp": 5} | fields).encode()


def without(field: str) -> bytes:
    record = json.loads(payload())
    del record[field]
    return json.dumps(record).encode()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (1700000000, 1700000000.0),
        (1700000000.25, 1700000000.25),
        ("1700000000.25", 1700000000.25),
        ("2023-11-14T22:13:20Z", 1700000000.0),
        ("2023-11-14T23:13:20+01:00", 1700000000.0),
        ("2023-11-14T22:13:20", 1700000000.0),
        ("2023-11-14 22:13:20 UTC", 1700000000.0),
        (20240310.0, 20240310.0),  # as our own writer writes a made stream
        (None, 99.0),
    ],
)
def test_reads_every_form_of_a_timestamp(given: object, wanted: float) -> None:
    assert decode_event(payload(timestamp=given), 99.0).timestamp == wanted


def test_a_missing_timestamp_is_the_arrival() -> None:
    assert decode_event(without("timestamp"), 99.0).timestamp == 99.0


def test_numbers_become_strings() -> None:
    event = decode_event(payload(user_id=7, item_id=8.5, event_id=9, value="2.50"), 0.0)
    assert (event.user_id, event.item_id, event.event_id, event.value) == ("7", "8.5", "9", 2.5)


def test_whole_floats_are_the_integers_of_that_number() -> None:
    event = decode_event(payload(user_id=41.0, item_id=7.0, event_id=7.0, type=2.0), 0.0)
    assert event == decode_event(payload(user_id=41, item_id=7, event_id=7, type=2), 0.0)
    assert event == Interaction("41", "7", 5.0, "2", None, "7")


@pytest.mark.parametrize("marker", ["NaN", "NULL", "\\N", "", "N/A"])
def test_markers_of_no_value_are_no_value(marker: str) -> None:
    event = decode_event(payload(value=marker, event_id=marker, type=marker or "interaction"), 0.0)
    assert (event.value, event.event_id, event.type) == (None, None, "interaction")


def test_unknown_fields_are_ignored() -> None:
    more = payload(session_id="s", other_id={"item_id": 5, "more": [{"item_id": 7}]})
    assert decode_event(more, 0.0) == Interaction("u", "i", 5.0)
    assert decode_event(payload(color="red"), 0.0) == Interaction("u", "i", 5.0)


@pytest.mark.parametrize("id_", ["🎬" * 64, "a/b", "x" * 256, "ü", " ", "null", "0"])
def test_any_text_of_1_to_256_bytes_is_an_id(id_: str) -> None:
    event = decode_event(payload(user_id=id_, item_id=id_), 0.0)
    assert (event.user_id, event.item_id) == (id_, id_)
    assert decode_event(encode_event(event), 0.0) == event


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"not json", "not_json"),
        (b"\xff\xfe", "utf_16"),
        (b'{"user_id": "u", "item_id": "i", "value": NaN}', "not_json"),
        (b"[]", "array"),
        (b"7", "no_object"),
        (without("user_id"), "does_not_fit"),
        (without("item_id"), "does_not_fit"),
        (payload(user_id=""), "does_not_fit"),
        (payload(user_id=None), "does_not_fit"),
        (payload(user_id=True), "does_not_fit"),
        (payload(user_id=["u"]), "does_not_fit"),
        (payload(item_id="x" * 257), "does_not_fit"),
        (payload(item_id="🎬" * 65), "bad_id"),
        (payload(user_id="\ud800"), "not_json"),
        (payload(timestamp="yesterday"), "bad_timestamp"),
        (payload(timestamp="nan"), "bad_timestamp"),
        (payload(timestamp=-1), "bad_timestamp"),
        (payload(timestamp=1700000000000), "bad_timestamp"),
        (payload(user_id="\\N"), "null_id"),
        (payload(item_id="\\N"), "null_id"),
        (payload(user_id=9007199254740995.0), "inexact_id"),
        (payload(item_id=1e300), "inexact_id"),
        (payload(event_id=1e300), "inexact_id"),
        (payload(user_id=10**300), "bad_id"),
        (b'{"user_id": ' + b"7" * 5000 + b', "item_id": "i"}', "does_not_fit"),
        (b'{"user_id": "u", "item_id": "i", "timestamp": ' + b"7" * 5000 + b"}", "does_not_fit"),
        (payload(timestamp=20240310), "bad_timestamp"),
        (b'{"user_id": "u", "item_id": "a", "item_id": "b"}', "double_key"),
        (b'{"user_id": "u", "item_id": "a", "user_id": "u", "event_id": "e"}', "double_key"),
        (payload(timestamp="20240310"), "bad_timestamp"),
        (payload(value="inf"), "bad_value"),
        (payload(value="cheap"), "bad_value"),
        (payload(value=[1]), "does_not_fit"),
        (payload(type=""), "does_not_fit"),
        (payload(user_id="x" * MAX_EVENT_BYTES), "too_large"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(record: bytes | None, reason: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        decode_event(record, 0.0)
    assert caught.value.reason == reason
    assert str(caught.value)


def test_a_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(InvalidEvent):
        decode_event(b'{"user_id": "u", "item_id": "i", "value": 1e999}', 0.0)


def test_vectors_keep_their_bits() -> None:
    record = VectorRecord("g1", b"\x00\x00\x80\x3f", 12.5)
    assert decode_vector(encode_vector(record)) == record
    assert decode_vector(encode_vector(VectorRecord("g1", None, 1.0))).vector is None


def test_commands_and_rejections_keep_their_fields() -> None:
    command = Command("item_deleted", 12.5, "recommender")
    assert decode_command(encode_command(command)) == command
    rejected = RejectedRecord("interactions", 0, 7, "not_json", "…", "\ufffd", 1)
    assert decode_rejected(encode_rejected(rejected)) == rejected


@pytest.mark.parametrize("record", [b"", b"{}", b'{"name": "format_disk", "at": 1, "origin": "x"}'])
def test_an_unknown_command_is_refused(record: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decode_command(record)


def test_a_float_id_stays_finite() -> None:
    with pytest.raises(InvalidEvent):
        decode_event(b'{"user_id": 1e999, "item_id": "i"}', 0.0)
