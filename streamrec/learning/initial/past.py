"""The log as an initial training finds it: the events that count, and what was ordered meanwhile."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import structlog

from streamrec.domain.events.erasure import VoidEvents, digest_of
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import InvalidEvent
from streamrec.markers import is_marker
from streamrec.ports import COMMANDS, INTERACTIONS, ErasureStore, EventSource, Offsets, Record, n_between
from streamrec.wire import Command, decode_command, decode_event

_POLL_AT_ONCE = 8192


def events_of(
    source: EventSource, ends: Offsets, void: VoidEvents, unmarked: Mapping[str, float]
) -> Iterator[Interaction]:
    """Yield the events of a topic from its beginning to `ends`, but those from before their user's erasure.

    Records that are none are the stream's to reject: initial training passes over them, and says how many.

    Parameters
    ----------
    unmarked
        Unix seconds by user, of erasures without markers: the times at which records were appended say what
        came before them.
    """
    n_passed_over, n_erased, example = 0, 0, ""
    until = {INTERACTIONS: ends.get(INTERACTIONS, {})}
    while n_between(source.next_offsets(), until):
        for record in _up_to(until[INTERACTIONS], source.poll(_POLL_AT_ONCE, timeout_s=1.0)):
            try:
                event = decode_event(record.value, record.timestamp)
            except InvalidEvent as error:
                if not is_marker(record.value):
                    n_passed_over, example = n_passed_over + 1, str(error)
                continue
            if void.contains(event.user_id, record.partition, record.offset) or (
                unmarked and record.timestamp <= unmarked.get(event.user_id, -1.0)
            ):
                n_erased += 1
            else:
                yield event
    if n_passed_over:
        structlog.get_logger().warning("records_passed_over", n=n_passed_over, example=example)
    say_left_out(n_erased)


def _up_to(ends: Mapping[int, int], records: Iterable[Record]) -> Iterator[Record]:
    """Yield the records before `ends`: the stream goes on there, and would learn the others once more."""
    return (record for record in records if record.offset < ends.get(record.partition, 0))


def say_left_out(n_erased: int) -> None:
    """Say how many events were left out, for their users were erased after them."""
    if n_erased:
        structlog.get_logger().warning("events_of_erased_users_left_out", n=n_erased)


class PastCommands(NamedTuple):
    """Result of the commands in the log.

    A generation that begins behind them must not carry them out again: items were created again since, and
    users came back.

    Attributes
    ----------
    changed_items, deleted_items
        By the last command of each.
    erased_at
        Unix seconds by user, of erasures without markers, as a version before ordered them.
    next_offsets
        Where the stream goes on after them.
    """

    changed_items: list[str]
    deleted_items: list[str]
    erased_at: Mapping[str, float]
    next_offsets: Offsets


def read_commands(source: EventSource) -> PastCommands:
    """Read the commands from the beginning of their log up to where they end now."""
    source.seek({})
    last_of_item: dict[str, str] = {}
    erased_at: dict[str, float] = {}
    ends = {COMMANDS: source.end_offsets().get(COMMANDS, {})}
    while n_between(source.next_offsets(), ends):
        for record in source.poll(_POLL_AT_ONCE, timeout_s=1.0):
            if record.topic == COMMANDS and record.offset < ends[COMMANDS].get(record.partition, 0):
                _take(record.key, record.value, last_of_item, erased_at)
    changed = [item_id for item_id, name in last_of_item.items() if name == "item_changed"]
    deleted = [item_id for item_id, name in last_of_item.items() if name == "item_deleted"]
    return PastCommands(changed, deleted, erased_at, ends)


def _take(key: str, payload: bytes | None, last_of_item: dict[str, str], erased_at: dict[str, float]) -> None:
    try:
        command: Command = decode_command(payload or b"")
    except InvalidEvent:
        return  # the stream's to reject
    if command.name in ("item_changed", "item_deleted"):
        last_of_item.pop(key, None)
        last_of_item[key] = command.name
    elif command.name == "user_erased" and not command.is_marked:
        erased_at[key] = max(command.at, erased_at.get(key, command.at))


class ErasedUsers:
    """Erased users and the times of their erasure, for events that stand in no log, such as a file's.

    Nothing but their times says whether they are from before the erasure.
    """

    def __init__(self, store: ErasureStore, unmarked: Mapping[str, float]) -> None:
        """Read what the store holds; `unmarked` is `PastCommands.erased_at`."""
        self._store = store
        self._salt = store.erasure_salt()
        self._unmarked = unmarked
        self._known = self._read()
        self._times: dict[str, float] = {}
        self._erased_at: dict[bytes, float] = {}
        for (digest, _log), (_offsets, erased_at) in self._known.items():
            self._erased_at[digest] = max(erased_at, self._erased_at.get(digest, erased_at))
        self.n_left_out = 0

    def _read(self) -> dict[tuple[bytes, str], tuple[Mapping[int, int], float]]:
        return {(one.digest, one.log): (one.offsets, one.erased_at) for one in self._store.read_erasures()}

    def without_earlier(self, events: Iterable[Interaction]) -> Iterator[Interaction]:
        """Yield the events but those from before their user's erasure, which are counted."""
        if not self._erased_at and not self._unmarked:
            yield from events
            return
        for event in events:
            if event.timestamp <= self._time_of(event.user_id):
                self.n_left_out += 1
            else:
                yield event

    def _time_of(self, user_id: str) -> float:
        found = self._times.get(user_id)
        if found is None:
            never = float("-inf")
            marked = self._erased_at.get(digest_of(user_id, self._salt), never)
            found = self._times[user_id] = max(marked, self._unmarked.get(user_id, never))
        return found

    def newly(self, user_ids: Iterable[str]) -> list[str]:
        """Return those of some users who were erased since the store was read, or was asked this, last."""
        before, self._known = self._known, self._read()
        digests = {key[0] for key, erasure in self._known.items() if before.get(key) != erasure}
        return [user for user in user_ids if digest_of(user, self._salt) in digests] if digests else []
