"""A history out of files, an archive of the log, and the log itself, each event once."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from streamrec.adapters.opening import open_event_source, open_trainer_store
from streamrec.cli.retraining.archiving import ever_erased_in
from streamrec.cli.screen import say
from streamrec.cli.training.initial_history import LEASE, History, history_of, until_told
from streamrec.datasets.archive.erasing import Erased
from streamrec.datasets.archive.parts import digest_of_log, next_offsets, parts_in
from streamrec.datasets.archive.reading import archived, logs_in
from streamrec.datasets.event_set import EventSet
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import InvalidInput
from streamrec.learning.initial.past import ErasedUsers, PastCommands, events_of, say_left_out
from streamrec.ports import INTERACTIONS, EventSource, Offsets
from streamrec.process.erasures import open_erasures
from streamrec.redaction import shown_url
from streamrec.settings.processes import LocationSettings

_BLOCK = 8192


class _Log(NamedTuple):
    """Part of a history that is, or was, in the log.

    Attributes
    ----------
    first
        Where the log is read from: behind the archive.
    ends
        Up to where; as `first`: not at all.
    """

    identity: str
    first: Offsets
    ends: Offsets


def history_of_stream(locations: LocationSettings) -> History:
    """Return all that the interactions topic holds by now."""
    return joined_history(locations, None, None, from_stream=True)


def joined_history(
    locations: LocationSettings, files: EventSet | None, archive: Path | None, *, from_stream: bool
) -> History:
    """Return the events of files, then of an archive, then of the log behind it; the stream goes on there.

    Raises
    ------
    InvalidInput
        When nothing is named, or the archive holds nothing.
    LogTruncated
        When the log ends before the archive does.
    """
    if files is None and archive is None and not from_stream:
        raise InvalidInput(
            "name what to learn: --events FILE, --from-archive FOLDER, --from-stream, or several"
        )
    of_files = None if files is None else history_of(files, 1.0)
    if of_files is not None and archive is None and not from_stream:
        return of_files
    source = open_event_source(locations.events_url, [INTERACTIONS], LEASE)
    log = _log_behind(source, archive, is_read=from_stream)

    def read(erased: ErasedUsers, commands: PastCommands) -> Iterator[Interaction]:
        known = _KnownIds(files)
        if of_files is not None:
            yield from of_files.read(erased, commands)
        parts = _of_archive_and_log(locations, source, archive, log, commands)
        yield from known.leaving_out(parts)

    lineage: dict[str, Any] = {"name": shown_url(locations.events_url), "offsets": log.ends}
    if of_files is not None:
        lineage["files"] = of_files.lineage
    if archive is not None:
        lineage["archive"] = {"folder": str(archive), "next_offsets": log.first[INTERACTIONS]}
    return History(read, lineage, log.ends, log.identity)


def _log_behind(source: EventSource, archive: Path | None, *, is_read: bool) -> _Log:
    """Return where the log is read from, so that nothing is read twice, and up to where; go there.

    A log may begin later than at 0: its retention removes what is old.
    """
    patient = until_told()
    identity = patient(source.identity_of, INTERACTIONS)
    patient(source.seek, {})
    first = dict(source.next_offsets()[INTERACTIONS])
    if archive is not None:
        logs_in(archive)  # there is something in it
        archived_until = next_offsets(parts_in(archive), digest_of_log(identity))
        n_lost = sum(max(0, first.get(number, 0) - end) for number, end in archived_until.items())
        if n_lost:
            say(
                f"warning: {n_lost:,} records between the archive's end and the log's beginning are lost",
                "yellow",
            )
        first |= {number: max(end, first.get(number, 0)) for number, end in archived_until.items()}
        patient(source.seek, {INTERACTIONS: first})
    ends = patient(source.end_offsets)[INTERACTIONS] if is_read else first
    return _Log(identity, {INTERACTIONS: first}, {INTERACTIONS: dict(ends)})


def _of_archive_and_log(
    locations: LocationSettings, source: EventSource, archive: Path | None, log: _Log, commands: PastCommands
) -> Iterator[Interaction]:
    patient = until_told()
    with closing(source), closing(open_trainer_store(locations.store_url)) as store:
        if archive is not None:
            yield from _of_archive(archive, patient(ever_erased_in, store, source, commands))
        void = patient(open_erasures, store, source, time.time).void
        yield from events_of(source, log.ends, void, commands.erased_at)


def _of_archive(archive: Path, erased: Erased) -> Iterator[Interaction]:
    """Yield the archived events but those of users who were erased since, log by log."""
    n_erased = 0
    for digest, identity in logs_in(archive).items():
        of_log = erased.in_log(identity)
        for one in archived(archive, digest):
            if of_log and of_log.contains(one.event.user_id, one.partition, one.offset, one.appended_at):
                n_erased += 1
            else:
                yield one.event
    say_left_out(n_erased)


class _KnownIds:
    """Ids of events, 8 bytes each: those of a file may stand in the log, too, when it was replayed.

    Two of a hundred million ids have one digest with a chance of 3 in 10,000.
    """

    def __init__(self, events: EventSet | None) -> None:
        n_events = 0 if events is None else len(events)
        self._digests = np.sort(np.fromiter(map(_digest_of, _ids_of(events)), np.uint64, n_events))

    def leaving_out(self, events: Iterable[Interaction]) -> Iterator[Interaction]:
        """Yield the events whose ids are not known."""
        if not len(self._digests):
            yield from events
            return
        iterator = iter(events)
        while block := list(islice(iterator, _BLOCK)):
            yield from self._new(block)

    def _new(self, block: Sequence[Interaction]) -> Iterator[Interaction]:
        with_id = [event for event in block if event.event_id is not None]
        digests = np.array([_digest_of(event.event_id or "") for event in with_id], np.uint64)
        places = np.minimum(np.searchsorted(self._digests, digests), len(self._digests) - 1)
        is_known = iter((self._digests[places] == digests).tolist())
        return (event for event in block if event.event_id is None or not next(is_known))


def _ids_of(events: EventSet | None) -> Iterator[str]:
    """Yield the ids of all events, of which few are in memory."""
    if events is not None:
        for first in range(0, len(events), _BLOCK):
            yield from events[first : first + _BLOCK].event_ids()


def _digest_of(event_id: str) -> int:
    return int.from_bytes(blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=8).digest())
