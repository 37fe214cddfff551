"""Bytes <-> events, vectors and commands: the only module that knows how records are written.

Every format has a version and a JSON Schema in `streamrec/schemas/`. A reader accepts every older version;
fields that it does not know are ignored.
"""

from typing import Annotated, Literal

import msgspec

from streamrec.domain.events.interaction import DEFAULT_EVENT_TYPE, MAX_ID_BYTES, MAX_REQUEST_ID, Interaction
from streamrec.domain.events.request_id import request_id_of
from streamrec.domain.events.values import (
    MAX_EXACT_FLOAT,
    DayNumbers,
    check_id,
    check_moment,
    event_id_of,
    id_of,
    time_of,
    type_of,
    value_of,
)
from streamrec.envelopes import refusal_of
from streamrec.errors import Damaged, InvalidEvent
from streamrec.payload import DAMAGE, damaged, decoded, refuse_double_keys

MAX_EVENT_BYTES = 64 * 1024
"""An event is some hundred bytes; one larger than this is a mistake, and is rejected unread."""

ExactFloat = Annotated[
    float, msgspec.Meta(extra_json_schema={"minimum": -MAX_EXACT_FLOAT, "maximum": MAX_EXACT_FLOAT})
]
"""Numbers as ids: a float beyond may have been another number, an integer is what it is."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_BYTES)] | int | ExactFloat


class EventRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An event as its sender wrote it; `to_interaction` checks what types can't say."""

    user_id: Id
    item_id: Id
    timestamp: int | float | str | None = None
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | int | ExactFloat = DEFAULT_EVENT_TYPE
    value: float | str | None = None
    event_id: Annotated[str, msgspec.Meta(max_length=MAX_ID_BYTES)] | int | ExactFloat | None = None
    request_id: Annotated[str, msgspec.Meta(max_length=MAX_REQUEST_ID)] | None = None


_NO_EVENT_ID = b'"event_id":null}'  # as our own writer ends a record
_event_decoder = msgspec.json.Decoder(EventRecord)
_json_encoder = msgspec.json.Encoder()


def decode_event(payload: bytes | None, arrival_s: float) -> Interaction:
    """Read a record of the interactions topic.

    Parameters
    ----------
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
    except DAMAGE as error:
        raise refusal_of(payload, damaged(error)) from error
    n_ids = 2 if record.event_id is None and not payload.endswith(_NO_EVENT_ID) else 3
    if record.request_id is not None or payload.count(b'_id"') > n_ids:
        refuse_double_keys(payload, EventRecord.__struct_fields__)
    # Our own writer makes floats of all times: a made stream that began at 0 may pass 20240310.0 s.
    return to_interaction(record, arrival_s, "seconds" if type(record.timestamp) is float else "refused")


def to_interaction(record: EventRecord, arrival_s: float, day_numbers: DayNumbers = "refused") -> Interaction:
    """Check and normalize an event by the rules of `streamrec.domain.events.values`.

    Parameters
    ----------
    day_numbers
        What a timestamp such as 20240310 stands for.

    Raises
    ------
    InvalidEvent
        With the reason.
    """
    timestamp, value, event_id = record.timestamp, record.value, record.event_id
    return Interaction(
        id_of("user_id", record.user_id),
        item_id=id_of("item_id", record.item_id),
        timestamp=time_of(arrival_s, "seconds") if timestamp is None else time_of(timestamp, day_numbers),
        type=type_of(record.type),
        value=None if value is None else value_of(value),
        event_id=None if event_id is None else event_id_of(event_id),
        request_id=request_id_of(record.request_id),
    )


def encode_event(event: Interaction) -> bytes:
    """Write an event; `decode_event` reads it back the same."""
    return _json_encoder.encode(event)


class RejectedRecord(msgspec.Struct, frozen=True):
    """Record of the rejected topic: position of the refused record, the reason, and its payload.

    The payload is cut to `MAX_EVENT_BYTES` and read as UTF-8 with replacement characters.
    """

    topic: str
    partition: int
    offset: int
    reason: str
    message: str
    payload: str
    n_payload_bytes: int


_rejected_decoder = msgspec.json.Decoder(RejectedRecord)


def encode_rejected(rejected: RejectedRecord) -> bytes:
    """Write a record of the rejected topic."""
    return _json_encoder.encode(rejected)


def decode_rejected(payload: bytes) -> RejectedRecord:
    """Read a record of the rejected topic.

    Raises
    ------
    InvalidEvent
        When it is none.
    """
    try:
        return decoded(_rejected_decoder.decode, payload)
    except Damaged as error:
        raise InvalidEvent("bad_rejection", str(error)) from error


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
        Whose vector it is, an item's or a user's, where the record's key is not the id.
    token
        Of the writer's lease: readers pass over what is older than they have seen; 0: none, of an old record.
    commands_read
        Next offset of the commands that the writer knew of at the gathering; None: of an old record.
    """

    generation: str
    vector: bytes | None
    published_at: float
    item_id: str | None = None
    token: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    commands_read: Annotated[int, msgspec.Meta(ge=0)] | None = None


_vector_decoder = msgspec.msgpack.Decoder(VectorRecord)
encode_vector = msgspec.msgpack.Encoder().encode


def decode_vector(payload: bytes) -> VectorRecord:
    """Read a record of the vector topics; its reader checks that the numbers are finite.

    Raises
    ------
    InvalidEvent
        When it is none, or says what can't be.
    """
    try:
        record = decoded(_vector_decoder.decode, payload)
    except Damaged as error:
        raise InvalidEvent("bad_vector", str(error)) from error
    if record.vector is not None and (not record.vector or len(record.vector) % 4):
        raise InvalidEvent("bad_vector", f"{len(record.vector)} bytes are no float32 numbers")
    check_moment("published_at", record.published_at, "bad_vector")
    if record.item_id is not None:
        check_id("item_id", record.item_id)
    return record


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
    is_marked
        Of an erasure: whether markers in the interactions say which events it is about. One of a version
        before has none, and is about those that its reader read before it.
    """

    name: Literal["item_changed", "item_deleted", "user_changed", "user_erased", "promote", "rollback"]
    at: float
    origin: str
    is_marked: bool = False


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
        command = decoded(_command_decoder.decode, payload)
    except Damaged as error:
        raise InvalidEvent("bad_command", str(error)) from error
    # One of the year 5139 would keep an item out of the index until then.
    check_moment("at", command.at, "bad_command")
    return command
