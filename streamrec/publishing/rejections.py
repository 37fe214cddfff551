"""Messages for the rejected topic: the records of the stream that are neither events nor commands."""

from streamrec.ports import Message
from streamrec.process.decoding import InvalidRecord
from streamrec.wire import MAX_EVENT_BYTES, RejectedRecord, encode_rejected

_OF_THE_ERASED = "its user was erased since: the record is left out"


def rejection(invalid: InvalidRecord) -> Message:
    """Return the message about a record: of a user who was erased since, without the payload.

    The key says where the record stands, so that reading it again after a crash replaces its rejection
    instead of adding one.
    """
    record, error, is_void = invalid
    value = record.value or b""
    rejected = RejectedRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=error.reason,
        message=_OF_THE_ERASED if is_void else str(error),
        payload="" if is_void else value[:MAX_EVENT_BYTES].decode(errors="replace"),
        n_payload_bytes=len(value),
    )
    return Message(f"{record.topic}-{record.partition}-{record.offset}", encode_rejected(rejected))
