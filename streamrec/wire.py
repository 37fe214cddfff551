"""Bytes <-> events, vectors and commands: the only place that knows how records are written.

Every format has a version and a JSON Schema in `streamrec/schemas/`. A reader accepts every older version;
fields that it does not know are ignored.
"""

import math
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from streamrec.domain.interaction import DEFAULT_EVENT_TYPE, MAX_ID_BYTES, Interaction
from streamrec.errors import InvalidEvent

MAX_EVENT_BYTES = 64 * 1024
"""An event is some hundred bytes; one larger than this is a mistake, and is rejected unread."""

MAX_TIMESTAMP_S = 1e11
"""The year 5138. Larger numbers are milliseconds sent by mistake."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_BYTES)] | int | float


class EventRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An event as its sender wrote it; `to_interaction` checks what types can't say."""

    user_id: Id
    item_id: Id
    timestamp: float | str | None = None
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = DEFAULT_EVENT_TYPE
    value: float | str | None = None
    event_id: Annotated[str, msgspec.Meta(max_length=MAX_ID_BYTES)] | int | None = None


_event_decoder = msgspec.json.Decoder(EventRecord)
_json_encoder = msgspec.json.Encoder()


def decode_event(payload: bytes | None, arrival_s: float) -> Interaction:
    """Read a record of the interactions topic.

    Parameters
    ----------
    payload
        The record's value.
    arrival_s
        Unix seconds, for an event that does not say when it happened.

    Raises
    ------
    InvalidEvent
        With the reason, when the record does not fit the contract.

    >>> event = decode_event(b'{"user_id": 7, "item_id": "a/b", "timestamp": "2024-01-01T00:00:00Z"}', 0.0)
    >>> event.user_id, event.item_id, event.timestamp, event.type
    ('7', 'a/b', 1704067200.0, 'interaction')
    """
    if not payload:
        raise InvalidEvent("empty", "the record is empty")
    if len(payload) > MAX_EVENT_BYTES:
        raise InvalidEvent("too_large", f"{len(payload)} bytes; at most {MAX_EVENT_BYTES} are read")
    try:
        record = _event_decoder.decode(payload)
    except msgspec.ValidationError as error:
        raise InvalidEvent("does_not_fit", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEvent("not_json", str(error)) from error
    return to_interaction(record, arrival_s)


def to_interaction(record: EventRecord, arrival_s: float) -> Interaction:
    """Check and normalize an event: ids become strings, times Unix seconds, values floats.

    Raises
    ------
    InvalidEvent
        With the reason.
    """
    timestamp = record.timestamp
    if timestamp is None:
        timestamp = arrival_s
    elif isinstance(timestamp, str):
        timestamp = _parse_timestamp(timestamp)
    if not 0 <= timestamp < MAX_TIMESTAMP_S:  # false for a NaN too
        raise InvalidEvent("bad_timestamp", f"timestamp {timestamp!r}: wanted Unix seconds, not milliseconds")
    value = record.value
    if value is not None:
        value = _parse_value(value)
    event_id = record.event_id
    return Interaction(
        _check_id("user_id", record.user_id),
        _check_id("item_id", record.item_id),
        timestamp,
        record.type,
        value,
        None if event_id is None else str(event_id),
    )


def _check_id(field: str, given: str | float) -> str:
    text = given if isinstance(given, str) else _number_as_id(field, given)
    # Characters bound bytes from below and by a factor of four from above: most ids need no encoding.
    if not text.isascii():
        try:
            n_bytes = len(text.encode())
        except UnicodeEncodeError:
            raise InvalidEvent("bad_id", f"{field} is not Unicode text") from None
        if n_bytes > MAX_ID_BYTES:
            raise InvalidEvent("bad_id", f"{field} has {n_bytes} bytes; at most {MAX_ID_BYTES} are allowed")
    elif not 0 < len(text) <= MAX_ID_BYTES:
        raise InvalidEvent("bad_id", f"{field} must have 1 to {MAX_ID_BYTES} bytes, has {len(text)}")
    return text


def _number_as_id(field: str, number: float) -> str:
    if isinstance(number, float) and not math.isfinite(number):
        raise InvalidEvent("bad_id", f"{field} is {number}")
    return str(number)


def _parse_timestamp(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidEvent(
            "bad_timestamp", f"timestamp {text[:40]!r} is neither Unix seconds nor ISO 8601"
        ) from None
    # Without an offset a time is taken as UTC: a server's own time zone must not change what is learned.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _parse_value(given: float | str) -> float:
    try:
        value = float(given)
    except ValueError:
        raise InvalidEvent("bad_value", f"value {str(given)[:40]!r} is not a number") from None
    if not math.isfinite(value):
        raise InvalidEvent("bad_value", f"value is {value}")
    return value


def encode_event(event: Interaction) -> bytes:
    """Write an event; `decode_event` reads it back the same."""
    return _json_encoder.encode(event)


class RejectedRecord(msgspec.Struct, frozen=True):
    """What goes to the rejected topic: where the record stood, why it was refused, and what it was.

    The payload is cut to `MAX_EVENT_BYTES` and read as UTF-8 with replacement characters.
    """

    topic: str
    partition: int
    offset: int
    reason: str
    message: str
    payload: str
    n_payload_bytes: int


def encode_rejected(rejected: RejectedRecord) -> bytes:
    """Write a record of the rejected topic."""
    return _json_encoder.encode(rejected)


def decode_rejected(payload: bytes) -> RejectedRecord:
    """Read a record of the rejected topic."""
    return msgspec.json.decode(payload, type=RejectedRecord)


class VectorRecord(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A published vector; MessagePack, because two thirds of a JSON array of floats would be decimals.

    Attributes
    ----------
    generation
        Which initial training the vector belongs to.
    vector
        (D + 1,) float32 little-endian; None says that this generation no longer has the id.
    published_at
        Unix seconds, for staleness.
    item_id
        Whose vector it is, an item's or a user's, where the record's key is not the id: of a generation that
        learns beside another, whose records of the same id must not take the place of the other's.
    """

    generation: str
    vector: bytes | None
    published_at: float
    item_id: str | None = None


_vector_encoder = msgspec.msgpack.Encoder()
_vector_decoder = msgspec.msgpack.Decoder(VectorRecord)


def encode_vector(record: VectorRecord) -> bytes:
    """Write a record of the vector topics."""
    return _vector_encoder.encode(record)


def decode_vector(payload: bytes) -> VectorRecord:
    """Read a record of the vector topics."""
    return _vector_decoder.decode(payload)


class Command(msgspec.Struct, frozen=True):
    """An order to trainer and index servers; the record's key is the id that it is about.

    Attributes
    ----------
    name
        What to do.
    at
        Unix seconds when it was given.
    origin
        Who gave it, for example ``"recommender"``.
    """

    name: Literal["item_changed", "item_deleted", "user_erased", "promote", "rollback"]
    at: float
    origin: str


_command_decoder = msgspec.json.Decoder(Command)


def encode_command(command: Command) -> bytes:
    """Write a record of the commands topic."""
    return _json_encoder.encode(command)


def decode_command(payload: bytes) -> Command:
    """Read a record of the commands topic.

    Raises
    ------
    InvalidEvent
        When it is not a command that this version knows.
    """
    try:
        return _command_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEvent("bad_command", str(error)) from error
