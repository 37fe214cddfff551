"""Erased users: what of a log no longer counts, found out as the log is read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from streamrec.domain.events.erasure import Erasure, VoidEvents, clipped, digest_of, is_same_log
from streamrec.markers import is_marker
from streamrec.ports import INTERACTIONS, ErasureStore, EventSource, Offsets, Record

_WAIT_FOR_RECORD_S = 60.0
"""A marker is in the log some milliseconds before its record is in the store; after this much, whoever wrote
the marker died between the two, and nobody was told that the user is erased."""

_WORD = b"user_erased"


def markers_in(records: Sequence[Record]) -> list[Record]:
    """Return the markers of erasures among some records, in their order."""
    # Each record of the stream is looked at: first for a word that every marker holds.
    suspects = [record for record in records if record.value is not None and _WORD in record.value]
    return [record for record in suspects if record.topic == INTERACTIONS and is_marker(record.value)]


class _Unrecorded(NamedTuple):
    """A marker whose record is not in the store yet, and the second until which it may come."""

    partition: int
    offset: int
    until: float


class ErasureReader:
    """Knows, of the log that a process reads, which events were appended before their user's erasure.

    What the store holds of erasures is read at the start, and then of each user that a marker or a command
    names. Until a marker's record is there, the marker itself says what came before it in its partition.

    Attributes
    ----------
    void
        Holds what of the log is still to be read.
    log
        Identity of the log; empty where it has none.
    """

    def __init__(
        self, store: ErasureStore, log: str, ends: Mapping[int, int], clock: Callable[[], float]
    ) -> None:
        """Read of a log of this identity; `clock` gives seconds."""
        self._store = store
        self.log = log
        self._ends = ends
        self._clock = clock
        self._salt = store.erasure_salt()
        self._unrecorded: dict[str, _Unrecorded] = {}
        self._learned: Mapping[int, int] = {}
        self.void = VoidEvents(self._salt, log)

    def note(self, markers: Sequence[Record], commanded: Sequence[str], read_before: Offsets) -> list[str]:
        """Take in what a batch says of erasures; return the users of whom nothing read so far counts.

        May be repeated after a failure.

        Parameters
        ----------
        markers
            From `markers_in`.
        commanded
            Users that commands name whose erasure has markers.
        read_before
            Next offsets before the batch.

        Raises
        ------
        Unavailable
            When the store does not answer.
        """
        named = dict.fromkeys([*(marker.key for marker in markers), *commanded])
        if not named and not self._unrecorded:
            return []
        recorded = self._look_up([*named, *self._unrecorded])
        erased = self._take_out_recorded(recorded)
        for marker in markers:
            if not recorded.covers(marker.key, marker.partition, marker.offset):
                self.void.add_marker(marker.key, marker.partition, marker.offset)
                until = self._clock() + _WAIT_FOR_RECORD_S
                self._unrecorded[marker.key] = _Unrecorded(marker.partition, marker.offset, until)
                erased.append(marker.key)
        offsets = _later(read_before.get(INTERACTIONS, {}), self._learned)
        erased += [user for user in named if self.void.is_ahead(user, offsets)]
        return list(dict.fromkeys(erased))

    def _look_up(self, user_ids: Iterable[str]) -> VoidEvents:
        """Return what the store holds of some users, which is known from now on."""
        recorded = VoidEvents(self._salt, self.log)
        erasures = self._store.read_erasures(list(recorded.digests_of(user_ids).values()))
        for void in (recorded, self.void):
            void.add(erasures)
        return recorded

    def _take_out_recorded(self, recorded: VoidEvents) -> list[str]:
        """Return the users whose record came since their marker was read.

        Of other partitions, more than counts may have been read meanwhile, so that all of it goes: what is of
        the user's new life in it came while the erasure was under way, and nobody was told of its end.
        """
        now, waiting = self._clock(), self._unrecorded
        came = [user for user, at in waiting.items() if recorded.covers(user, at.partition, at.offset)]
        self._unrecorded = {user: at for user, at in waiting.items() if at.until > now and user not in came}
        return came

    def is_of(self, log: str, learned: Offsets) -> bool:
        """Return whether this is the log of that identity, and holds all that was learned of it."""
        offsets = learned.get(INTERACTIONS, {})
        is_whole = all(offset <= self._ends.get(partition, 0) for partition, offset in offsets.items())
        return bool(log) and log == self.log and is_whole

    def begin(self, user_ids: Iterable[str], learned: Offsets) -> list[str]:
        """Return those of some users who were erased since the log was learned up to the offsets `learned`.

        Those who were erased before that are not to be erased again, also when the log is read again.
        """
        offsets = self._learned = learned.get(INTERACTIONS, {})
        return [user for user in user_ids if self.void.is_ahead(user, offsets)] if self.void else []

    def settle(self, next_offsets: Offsets) -> None:
        """Drop what is known of a part of the log that was read."""
        if self.void:
            self.void.settle(next_offsets.get(INTERACTIONS, {}))


def _later(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {key: max(one.get(key, 0), other.get(key, 0)) for key in one.keys() | other.keys()}


def open_erasures(store: ErasureStore, source: EventSource, clock: Callable[[], float]) -> ErasureReader:
    """Return a reader that knows all erasures in the log of a source.

    Raises
    ------
    Unavailable
        When the store or the log does not answer.
    """
    log = source.identity_of(INTERACTIONS)
    erasures = [one for one in store.read_erasures() if is_same_log(one.log, log)]
    # In this order: no erasure that was read can stand behind an end that was told later, but in a log that
    # was cut.
    ends = source.end_offsets().get(INTERACTIONS, {})
    _limit(store, erasures, ends)
    reader = ErasureReader(store, log, ends, clock)
    reader.void.add(clipped(one, ends) for one in erasures)
    return reader


def ever_erased(store: ErasureStore, user_ids: Iterable[str]) -> list[str]:
    """Return those of some users who were erased at any time, in whatever log."""
    digests, salt = {one.digest for one in store.read_erasures()}, store.erasure_salt()
    return [user for user in user_ids if digest_of(user, salt) in digests] if digests else []


def _limit(store: ErasureStore, erasures: Iterable[Erasure], ends: Mapping[int, int]) -> None:
    """Write down that a log was cut, before it gives the offsets again that erasures name."""
    for log in {one.log for one in erasures if clipped(one, ends) != one}:
        store.limit_erasures(log, ends)
