"""Work of the command `archive`."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from streamrec.adapters.opening import open_event_source, open_trainer_store
from streamrec.cli.launch.owner import used_alone
from streamrec.cli.screen import progress_bar, say
from streamrec.cli.training.initial_history import until_told
from streamrec.datasets.archive.erasing import Erased, ErasedInLog, remove_erased
from streamrec.datasets.archive.rows import Archived
from streamrec.datasets.archive.writing import ArchiveWriter
from streamrec.errors import InvalidEvent, LogTruncated
from streamrec.learning.initial.past import PastCommands, read_commands
from streamrec.markers import is_marker
from streamrec.ports import COMMANDS, INTERACTIONS, EventSource, Offsets, Record, TrainerStore, n_between
from streamrec.process.erasures import open_erasures
from streamrec.settings.processes import LocationSettings
from streamrec.wire import decode_event

GROUP = "archive"

_POLL_AT_ONCE = 8192

_MEND = (
    "move the archive away and begin another one, or, if it is only that the log's retention removed what was"
    " not archived yet, go on behind the gap: --skip-lost"
)


def archive_log(folder: Path, locations: LocationSettings, *, skip_lost: bool) -> None:
    """Write what came into the log since the last time, and remove what users who were erased left.

    Raises
    ------
    LogTruncated
        When the log no longer holds what comes next.
    ConfigurationError
        When another one writes this archive.
    """
    patient = until_told()
    with (
        used_alone(folder),
        closing(open_event_source(locations.events_url, [INTERACTIONS], GROUP)) as source,
        closing(open_trainer_store(locations.store_url)) as store,
    ):
        commands = past_commands(locations)
        erased = patient(ever_erased_in, store, source, commands)
        with progress_bar("Removing the events of erased users") as show:
            n_removed = remove_erased(folder, erased, show)
        identity = patient(source.identity_of, INTERACTIONS)
        with ArchiveWriter(folder, identity) as writer:
            n_passed_over = _append(source, writer, erased.in_log(identity), skip_lost=skip_lost)
    say(f"{writer.n_written:,} events archived in {folder}" + _also(n_removed, n_passed_over))


def _also(n_removed: int, n_passed_over: int) -> str:
    said = [f"{n_removed:,} of erased users removed"] * bool(n_removed)
    said += [f"{n_passed_over:,} records that are no events passed over"] * bool(n_passed_over)
    return "".join(f"; {words}" for words in said)


def past_commands(locations: LocationSettings) -> PastCommands:
    """Read what the commands say of items and of users."""
    with closing(open_event_source(locations.events_url, [COMMANDS], GROUP)) as source:
        commands: PastCommands = until_told()(read_commands, source)
    return commands


def ever_erased_in(store: TrainerStore, source: EventSource, commands: PastCommands) -> Erased:
    """Read who was erased, up to now.

    Raises
    ------
    Unavailable
        When the store or the log does not answer.
    """
    open_erasures(store, source, time.time)  # writes down that a log was cut, before it gives offsets again
    return Erased(store.erasure_salt(), store.read_erasures(), commands.erased_at)


def _append(source: EventSource, writer: ArchiveWriter, erased: ErasedInLog, *, skip_lost: bool) -> int:
    """Archive up to where the log ends now; return how many records were no events."""
    patient = until_told()
    _seek(source, writer, skip_lost=skip_lost)
    ends = {INTERACTIONS: patient(source.end_offsets)[INTERACTIONS]}
    n_all, n_passed_over = n_between(source.next_offsets(), ends), 0
    with progress_bar("Archiving", n_all) as show:
        show(0)
        while n_left := n_between(source.next_offsets(), ends):
            events, n_others = events_that_count(patient(source.poll, _POLL_AT_ONCE, 1.0), ends, erased)
            n_passed_over += n_others
            writer.add(events)
            show(n_all - n_left)
        writer.finish(ends[INTERACTIONS])
        show(n_all)
    return n_passed_over


def _seek(source: EventSource, writer: ArchiveWriter, *, skip_lost: bool) -> None:
    """Go to where the archive ends.

    Raises
    ------
    LogTruncated
        When the log no longer holds what comes then; with the ways on.
    """
    patient = until_told()
    archived = writer.next_offsets()
    if skip_lost:
        patient(source.seek, {})
        starts = source.next_offsets()[INTERACTIONS]
        archived = {number: max(offset, starts.get(number, 0)) for number, offset in archived.items()}
    try:
        patient(source.seek, {INTERACTIONS: archived})
    except LogTruncated as error:
        raise LogTruncated(f"{error}; {_MEND}") from error


def events_that_count(
    records: Sequence[Record], ends: Offsets, erased: ErasedInLog
) -> tuple[list[Archived], int]:
    """Return the events before `ends` that count, and how many records were neither events nor markers."""
    events, n_others, of_topic = [], 0, ends[INTERACTIONS]
    for record in records:
        if record.offset >= of_topic.get(record.partition, 0):
            continue
        try:
            event = decode_event(record.value, record.timestamp)
        except InvalidEvent:
            n_others += not is_marker(record.value)
            continue
        place = record.partition, record.offset, record.timestamp
        if not (erased and erased.contains(event.user_id, *place)):
            events.append(Archived(event, *place))
    return events, n_others
