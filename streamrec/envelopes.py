"""Recognition of payloads that are no events: wrapped, encoded or packed by their sender; and the remedy.

Looked into only once a payload was refused, so the way of good events costs nothing.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from streamrec.errors import Damaged, InvalidEvent
from streamrec.payload import decoded

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_CONFLUENT_HEADER_BYTES: Final = 5
_APICURIO_HEADER_BYTES: Final = 9
"""A zero byte and the schema's number in 4 bytes, or in 8."""

_GLUE_HEADER_BYTES: Final = 18
"""Version, compression, and a UUID."""

_PACKED: Final = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xff\x06\x00\x00sNaPpY": "snappy",
    b"\x82SNAPPY": "snappy",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
}

_CONTAINERS: Final = {
    b"Obj\x01": "an Avro file",
    b"PAR1": "a Parquet file",
    b"\xac\xed\x00\x05": "a Java object",
}

_UTF_16: Final = re.compile(rb"\xff\xfe|\xfe\xff|[\[{\"]\0.\0|\0[\[{\"]\0.", re.DOTALL)
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}\s*")
_NO_TEXT: Final = re.compile(rb"[\0-\x08\x0e-\x1f\x7f]")

_decode: Callable[[bytes | str], Any] = msgspec.json.Decoder().decode
_decode_messagepack: Callable[[bytes], Any] = msgspec.msgpack.Decoder().decode


class Envelope(NamedTuple):
    """Kind of a payload: a word for counting, and a message for people that says how to mend it."""

    reason: str
    words: str


def envelope_of(payload: bytes) -> Envelope | None:
    """Return what stands around the event, or instead of it; None when there is nothing that we know.

    >>> envelope_of(b'{"schema": {}, "payload": {"user_id": "u"}}').reason
    'connect_envelope'
    >>> envelope_of(b'{"user_id": "u"}') is None
    True
    """
    found = _by_first_bytes(payload)
    if found is not None:
        return found
    value = _json_in(payload)
    return _by_text(payload) if value is None else _by_value(value)


def refusal_of(payload: bytes, damage: Damaged) -> InvalidEvent:
    """Return the error for a payload that is no event: what stands around it, or what the decoder says."""
    envelope = envelope_of(payload)
    if envelope is not None:
        return InvalidEvent(envelope.reason, envelope.words)
    return InvalidEvent("does_not_fit" if damage.fits_format else "not_json", str(damage))


def _by_first_bytes(payload: bytes) -> Envelope | None:
    if payload.startswith(_BYTE_ORDER_MARK):
        return Envelope("byte_order_mark", "it begins with a byte order mark; send UTF-8 without one")
    if _UTF_16.match(payload):
        return Envelope("utf_16", "it is UTF-16 or UTF-32 text; send UTF-8")
    for start, codec in _PACKED.items():
        if payload.startswith(start):
            mend = "send it plain and let the producer compress (its setting compression.type)"
            return Envelope("packed", f"it is packed with {codec} by its sender; {mend}")
    for start, what in _CONTAINERS.items():
        if payload.startswith(start):
            return Envelope("binary", f"it is {what}; send JSON, one event a record")
    return _registered(payload)


def _registered(payload: bytes) -> Envelope | None:
    """Return what a schema registry's header says; what follows it is JSON, or of another format."""
    sizes = [_CONFLUENT_HEADER_BYTES, _APICURIO_HEADER_BYTES] if payload[:1] == b"\0" else []
    if payload[:1] == b"\x03" and payload[1:2] in (b"\0", b"\5"):
        sizes = [_GLUE_HEADER_BYTES]
    if not sizes or len(payload) <= sizes[0]:
        return None
    size = next((size for size in sizes if _json_in(payload[size:]) is not None), None)
    if size is None:
        words = "it has a schema registry's header, before Avro or Protobuf; only JSON text is read"
    else:
        words = f"it has a schema registry's header of {size} bytes before the JSON"
    return Envelope("registry_header", f"{words}; let the producer write JSON without a registry")


def _by_value(value: object) -> Envelope | None:
    if isinstance(value, dict):
        return _wrapped(value)
    if isinstance(value, str):
        return _in_string(value)
    if isinstance(value, list):
        return Envelope("array", "it is a JSON array; send one event a record")
    return Envelope("no_object", f"it is the JSON value {str(value)[:40]}; an event is a JSON object")


def _wrapped(value: Mapping[str, Any]) -> Envelope | None:
    if value.keys() >= {"user_id", "item_id"}:
        return None  # an event, but for one of its values
    if value.keys() >= {"schema", "payload"}:
        mend = "set value.converter.schemas.enable=false"
        if isinstance(value["payload"], dict) and _is_change(value["payload"]):
            mend += ", and let the connector unwrap changes (ExtractNewRecordState)"
        return Envelope("connect_envelope", f"it is Kafka Connect's envelope of schema and payload; {mend}")
    if _is_change(value):
        mend = "let the connector send the new row alone (Debezium: ExtractNewRecordState)"
        return Envelope("change_data", f"it is change data, a row before and after; {mend}")
    if "specversion" in value:
        return Envelope("cloud_event", "it is a CloudEvent; send what stands under 'data' alone")
    for name, inner in value.items():
        if isinstance(inner, dict) and inner.keys() >= {"user_id", "item_id"}:
            return Envelope("nested", f"the event stands under {name[:80]!r}; send that alone")
    return None


def _is_change(value: Mapping[str, Any]) -> bool:
    is_debezium = "op" in value and ("after" in value or "before" in value)
    is_maxwell = value.keys() >= {"database", "table", "type", "data"}
    is_dms = value.keys() >= {"data", "metadata"} and isinstance(value["metadata"], dict)
    return is_debezium or is_maxwell or is_dms


def _in_string(value: str) -> Envelope:
    inner = _json_in(value)
    if isinstance(inner, dict):
        return Envelope("text", "it is JSON within a JSON string: encoded twice; send the object itself")
    if _is_base64(value.encode("utf-8", "replace")):
        return Envelope("base64", "it is base64 within a JSON string; send the JSON itself")
    return Envelope("text", "it is a JSON string; an event is a JSON object")


def _by_text(payload: bytes) -> Envelope | None:
    if _is_base64(payload):
        return Envelope("base64", "it is JSON in base64; send the JSON itself")
    if payload.lstrip().startswith(b"{'"):
        return Envelope("single_quotes", "it is what Python prints; write it with json.dumps")
    lines = payload.strip().splitlines()
    if len(lines) > 1 and isinstance(_json_in(lines[0]), dict):
        return Envelope("several", "it holds several JSON objects, a line each; send each by itself")
    if _NO_TEXT.search(payload) or not _is_utf_8(payload):
        return Envelope("binary", f"it is {_kind_of_binary(payload)}; only JSON in UTF-8 is read")
    return None


def _kind_of_binary(payload: bytes) -> str:
    if 0x80 <= payload[0] <= 0x8F or payload[0] in (0xDE, 0xDF):
        try:
            if isinstance(decoded(_decode_messagepack, payload), dict):
                return "MessagePack"
        except Damaged:
            pass
    return "binary (Avro or Protobuf?)"


def _is_base64(payload: bytes) -> bool:
    """Return whether this is the base64 of a JSON object, in either alphabet."""
    if not _BASE64.fullmatch(payload):
        return False
    try:
        inner = base64.b64decode(payload.strip().translate(bytes.maketrans(b"-_", b"+/")) + b"==")
    except binascii.Error:
        return False
    return isinstance(_json_in(inner), dict)


def _is_utf_8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _json_in(payload: bytes | str) -> object:
    """Return the JSON value, or None; that of ``null`` is none that anybody wraps."""
    try:
        return decoded(_decode, payload)
    except Damaged:
        return None
