"""Steps 2 and 3 of the trainer's loop: records -> events and commands; misfits aside, repeats dropped."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from streamrec.domain.events.erasure import NOTHING_VOID, VoidEvents
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.events.values import check_id
from streamrec.errors import InvalidEvent
from streamrec.learning.state.counters import Counters
from streamrec.markers import is_marker
from streamrec.ports import COMMANDS, Message, Metrics, Record
from streamrec.telemetry import Digest
from streamrec.wire import (
    MAX_EVENT_BYTES,
    Command,
    RejectedRecord,
    decode_command,
    decode_event,
    encode_rejected,
)

_OF_THE_ERASED = "its user was erased since: the record is left out"


class KeyedCommand(NamedTuple):
    """A command and the id that it is about."""

    key: str
    command: Command


class Decoded(NamedTuple):
    """What a batch of records holds.

    Attributes
    ----------
    rejected
        Messages for the rejected topic. The key is the record's place, so that reading a record again
        after a crash replaces its rejection instead of adding one.
    reasons
        How many were rejected, by reason.
    example
        What is wrong with one of them.
    n_erased
        Events of users who were erased after them.
    """

    events: list[Interaction]
    commands: list[KeyedCommand]
    rejected: list[Message]
    reasons: Counter[str]
    n_repeats: int
    example: str = ""
    n_erased: int = 0


def decode(records: Sequence[Record], repeats: RecentIds, void: VoidEvents = NOTHING_VOID) -> Decoded:
    """Read a batch; events whose id is in `repeats` are dropped, the others' ids are added to it.

    Parameters
    ----------
    void
        Events that no longer count: they are dropped, too.
    """
    decoded = Decoded([], [], [], Counter(), 0)
    n_repeats = n_erased = 0
    example = ""
    for record in records:
        try:
            if record.topic == COMMANDS:
                decoded.commands.append(_command_of(record))
                continue
            event = decode_event(record.value, record.timestamp)
        except InvalidEvent as error:
            if is_marker(record.value):
                continue
            is_void = record.topic != COMMANDS and void.contains(record.key, record.partition, record.offset)
            decoded.rejected.append(_rejection(record, error, is_void=is_void))
            decoded.reasons[error.reason] += 1
            example = str(error)
            continue
        if void and void.contains(event.user_id, record.partition, record.offset):
            n_erased += 1
        elif event.event_id is not None and not repeats.add(event.event_id):
            n_repeats += 1
        else:
            decoded.events.append(event)
    return decoded._replace(n_repeats=n_repeats, n_erased=n_erased, example=example)


def _command_of(record: Record) -> KeyedCommand:
    command = decode_command(record.value or b"")
    if command.name not in ("promote", "rollback"):  # those name a generation, or none
        check_id("key", record.key)
    return KeyedCommand(record.key, command)


def count_decoded(decoded: Decoded, counters: Counters, metrics: Metrics, rejections: Digest) -> None:
    """Count what of a batch had no effect, and say it now and then."""
    rejections.note(len(decoded.rejected), decoded.example, decoded.reasons)
    counters.n_rejected += len(decoded.rejected)
    counters.n_repeats += decoded.n_repeats
    counters.n_erased += decoded.n_erased
    metrics.count("repeats", decoded.n_repeats)
    if decoded.n_erased:
        metrics.count("erased_events", decoded.n_erased)
    for reason, n in decoded.reasons.items():
        metrics.count(f"rejected.{reason}", n)


def _rejection(record: Record, error: InvalidEvent, *, is_void: bool) -> Message:
    """Return the message for the rejected topic: of a user who was erased since, without the payload."""
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
