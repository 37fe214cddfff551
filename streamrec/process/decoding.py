"""Steps 2 and 3 of the stream loop: each record is decoded once, and repeats are dropped."""

from collections.abc import Sequence
from typing import NamedTuple

from streamrec.domain.events.erasure import NOTHING_VOID, VoidEvents
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.events.values import check_id
from streamrec.domain.generations.roles import PromotionRequest
from streamrec.errors import InvalidEvent
from streamrec.markers import is_marker
from streamrec.ports import COMMANDS, IMPRESSIONS, Offsets, Record
from streamrec.process.erasures import ErasureReader, markers_in
from streamrec.wire import Command, decode_command, decode_event


class KeyedCommand(NamedTuple):
    """A command and the id that it is about."""

    key: str
    command: Command


class InvalidRecord(NamedTuple):
    """A record that is neither an event nor a command, and why.

    Attributes
    ----------
    is_void
        Whether its user was erased since.
    """

    record: Record
    error: InvalidEvent
    is_void: bool = False


class Commands(NamedTuple):
    """Commands of some records, by who acts on them.

    Attributes
    ----------
    of_items
        Changes and deletions, in their order.
    promotions
        Champions that are wanted.
    changed_users
        Users whose attributes changed.
    marked_erasures
        Users whose erasure has markers among the events, which say what is from before it.
    erased_users
        Users whose erasure has none: a version before ordered it, and what was read so far is from before.
    """

    of_items: list[KeyedCommand]
    promotions: list[PromotionRequest]
    changed_users: list[str]
    marked_erasures: list[str]
    erased_users: list[str]

    @property
    def n(self) -> int:
        """Number of records."""
        return sum(len(kind) for kind in self)


class DecodedEvents(NamedTuple):
    """Events of some records.

    Attributes
    ----------
    events
        Those that count, in their order.
    arrivals
        When each of these was appended, in Unix seconds.
    n_repeats, n_erased
        Events left out: repeats, and those of users who were erased after them.
    """

    events: list[Interaction]
    arrivals: list[float]
    invalid: list[InvalidRecord]
    n_repeats: int
    n_erased: int


class Batch(NamedTuple):
    """Contents of some records of the stream.

    Attributes
    ----------
    invalid
        Records of either topic that could not be read.
    erased_users
        Users of whom nothing that was read before counts.
    lists
        Records of lists that were shown, as they are.
    """

    decoded: DecodedEvents
    commands: Commands
    invalid: list[InvalidRecord]
    erased_users: list[str]
    lists: Sequence[Record] = ()

    @property
    def events(self) -> list[Interaction]:
        """Events that count, in their order."""
        return self.decoded.events


def read_batch(
    records: Sequence[Record], read_before: Offsets, repeats: RecentIds, erasures: ErasureReader
) -> Batch:
    """Decode records of commands and interactions. May be repeated after a failure.

    Parameters
    ----------
    read_before
        Next offsets before these records.
    repeats
        Events whose id is in it are dropped, the others' ids are added to it.
    erasures
        Takes in what the records say of erasures.

    Raises
    ------
    Unavailable
        When the store does not answer that holds the erasures; nothing was added to `repeats` then.
    """
    commands, invalid = decode_commands([record for record in records if record.topic == COMMANDS])
    erased = erasures.note(markers_in(records), commands.marked_erasures, read_before)
    of_events = [record for record in records if record.topic not in (COMMANDS, IMPRESSIONS)]
    decoded = decode_events(of_events, repeats, erasures.void)
    erased_users = list(dict.fromkeys(erased + commands.erased_users))
    lists = [record for record in records if record.topic == IMPRESSIONS]
    return Batch(decoded, commands, invalid + decoded.invalid, erased_users, lists)


def decode_commands(records: Sequence[Record]) -> tuple[Commands, list[InvalidRecord]]:
    """Read records of the commands."""
    commands, invalid = Commands([], [], [], [], []), list[InvalidRecord]()
    for record in records:
        try:
            _sort_in(record, commands)
        except InvalidEvent as error:
            invalid.append(InvalidRecord(record, error))
    return commands, invalid


def _sort_in(record: Record, commands: Commands) -> None:
    command = decode_command(record.value or b"")
    if command.name in ("promote", "rollback"):  # they name a generation, or none
        commands.promotions.append(PromotionRequest(command.name, record.key, command.at))
        return
    check_id("key", record.key)
    if command.name == "user_changed":
        commands.changed_users.append(record.key)
    elif command.name == "user_erased":
        (commands.marked_erasures if command.is_marked else commands.erased_users).append(record.key)
    else:
        commands.of_items.append(KeyedCommand(record.key, command))


def decode_events(
    records: Sequence[Record], repeats: RecentIds, void: VoidEvents = NOTHING_VOID
) -> DecodedEvents:
    """Read records of the interactions.

    Parameters
    ----------
    repeats
        As in `read_batch`.
    void
        Events that no longer count: they are dropped, too.
    """
    events, arrivals, invalid = list[Interaction](), list[float](), list[InvalidRecord]()
    n_repeats = n_erased = 0
    for record in records:
        try:
            event = decode_event(record.value, record.timestamp)
        except InvalidEvent as error:
            if not is_marker(record.value):
                is_void = void.contains(record.key, record.partition, record.offset)
                invalid.append(InvalidRecord(record, error, is_void))
            continue
        if void and void.contains(event.user_id, record.partition, record.offset):
            n_erased += 1
        elif event.event_id is not None and not repeats.add(event.event_id):
            n_repeats += 1
        else:
            events.append(event)
            arrivals.append(record.timestamp)
    return DecodedEvents(events, arrivals, invalid, n_repeats, n_erased)
