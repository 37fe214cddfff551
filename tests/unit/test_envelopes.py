"""Payloads as connectors, registries and other programs send them: what is refused is named."""

import base64
import gzip
import json
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from streamrec.adapters.opening import open_event_sink
from streamrec.cli.doctor.rejections import rejections_in
from streamrec.envelopes import envelope_of
from streamrec.errors import InvalidEvent
from streamrec.ports import REJECTED, Message
from streamrec.wire import decode_event, decode_rejected
from tests.builders import World

EVENT = {"user_id": "u", "item_id": "i"}
PLAIN = json.dumps(EVENT).encode()
CHANGE = {"before": None, "after": EVENT, "op": "c", "ts_ms": 1}

ENVELOPES: dict[str, tuple[bytes, str, str]] = {
    "registry": (b"\0\0\0\0\7" + PLAIN, "registry_header", "header of 5 bytes before the JSON"),
    "registry, long": (b"\0" + b"\0" * 7 + b"\7" + PLAIN, "registry_header", "header of 9 bytes"),
    "registry, Avro": (b"\0\0\0\0\7\x02u\x02i", "registry_header", "Avro or Protobuf"),
    "Glue": (b"\3\0" + b"0123456789abcdef" + PLAIN, "registry_header", "header of 18 bytes"),
    "Connect": (
        json.dumps({"schema": {}, "payload": EVENT}).encode(),
        "connect_envelope",
        "schemas.enable=false",
    ),
    "Connect, change": (
        json.dumps({"schema": {}, "payload": CHANGE}).encode(),
        "connect_envelope",
        "ExtractNewRecordState",
    ),
    "Debezium": (json.dumps(CHANGE).encode(), "change_data", "change data"),
    "Debezium, deleted": (
        json.dumps({"before": EVENT, "after": None, "op": "d"}).encode(),
        "change_data",
        "row",
    ),
    "Maxwell": (
        json.dumps({"database": "d", "table": "t", "type": "insert", "data": EVENT}).encode(),
        "change_data",
        "row",
    ),
    "CloudEvents": (json.dumps({"specversion": "1.0", "data": EVENT}).encode(), "cloud_event", "'data'"),
    "nested": (json.dumps({"message": EVENT}).encode(), "nested", "'message'"),
    "mark": (b"\xef\xbb\xbf" + PLAIN, "byte_order_mark", "byte order mark"),
    "UTF-16": (PLAIN.decode().encode("utf-16"), "utf_16", "UTF-16"),
    "UTF-16LE": (PLAIN.decode().encode("utf-16-le"), "utf_16", "UTF-16"),
    "UTF-16BE": (PLAIN.decode().encode("utf-16-be"), "utf_16", "UTF-16"),
    "UTF-32": (PLAIN.decode().encode("utf-32"), "utf_16", "UTF-32"),
    "array": (b"[" + PLAIN + b"]", "array", "one event a record"),
    "string": (json.dumps(PLAIN.decode()).encode(), "text", "encoded twice"),
    "base64": (base64.b64encode(PLAIN), "base64", "base64"),
    "base64url": (base64.urlsafe_b64encode(PLAIN).rstrip(b"="), "base64", "base64"),
    "base64 in a string": (json.dumps(base64.b64encode(PLAIN).decode()).encode(), "base64", "base64"),
    "gzip": (gzip.compress(PLAIN), "packed", "compression.type"),
    "MessagePack": (msgspec.msgpack.encode(EVENT), "binary", "MessagePack"),
    "Avro": (b"\x02u\x02i\x08", "binary", "Avro"),
    "Protobuf": (b"\n\x01u\x12\x01i", "binary", "Protobuf"),
    "Python": (str(EVENT).encode(), "single_quotes", "json.dumps"),
    "lines": (PLAIN + b"\n" + PLAIN, "several", "several JSON objects"),
    "number": (b"17", "no_object", "JSON value 17"),
    "words": (b"garbage", "not_json", "malformed"),
    "null": (b"null", "does_not_fit", "got `null`"),
    "half": (b'{"user_id": "u"}', "does_not_fit", "item_id"),
    "a wrong value": (
        b'{"user_id": "u", "item_id": [], "schema": 1, "payload": 2}',
        "does_not_fit",
        "item_id",
    ),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_what_stands_around_an_event_is_named(name: str) -> None:
    payload, reason, words = ENVELOPES[name]
    with pytest.raises(InvalidEvent) as caught:
        decode_event(payload, 0.0)
    assert caught.value.reason == reason
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(["schema", "payload", "op", "after", "data", "metadata", "user_id", "x"]),
                    inner,
                    max_size=4,
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_nothing_stops_the_naming(payload: bytes) -> None:
    envelope_of(payload)


def test_the_good_one_is_learned_the_others_are_counted_by_reason(tmp_path: Path) -> None:
    world = World(tmp_path)
    payloads = [payload for payload, _, _ in ENVELOPES.values()]
    world.send(*payloads, EVENT)
    trainer = world.trainer()
    with capture_logs() as lines:
        trainer.step(3)
    assert (trainer.state.counters.n_events, trainer.state.counters.n_rejected) == (1, len(payloads))
    told = [decode_rejected(record.value or b"").reason for record in world.records(REJECTED)]
    assert told == [reason for _, reason, _ in ENVELOPES.values()]
    (line,) = [line for line in lines if line["event"] == "records_rejected"]
    assert line["n"] == len(payloads)
    assert line["reasons"] == {reason: told.count(reason) for reason in set(told)}


def test_doctor_tells_how_many_were_rejected_and_why_the_latest_were(tmp_path: Path) -> None:
    world = World(tmp_path)
    url = f"sqlite:///{tmp_path}/events.db"
    with closing(open_event_sink(url)) as sink:
        assert rejections_in(url) == ""
        world.send(*[b"no json"] * 150, ENVELOPES["Connect"][0], ENVELOPES["mark"][0])
        world.trainer().step()
        messages = [Message(record.key, record.value) for record in world.records(REJECTED)]
        sink.append(REJECTED, [*messages, Message("broken", b"no rejection"), Message("gone", None)])
    said = rejections_in(url)
    assert "154 rejected records" in said
    assert "96 not_json, 1 connect_envelope, 1 byte_order_mark" in said
    assert "it begins with a byte order mark" in said
