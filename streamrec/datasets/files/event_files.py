"""Any CSV, JSON Lines or Parquet file of events, through a mapping from fields to columns."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from streamrec.datasets.event_collector import EventCollector
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.event_columns import resolve_mapping
from streamrec.datasets.files.event_rows import EventRows
from streamrec.datasets.files.header_words import looks_like_data, shown
from streamrec.datasets.files.parts import hash_of, sources_of
from streamrec.datasets.files.raw_rows import RowNotes
from streamrec.datasets.files.read_report import ReadReport, RejectedRow
from streamrec.datasets.files.reading import AS_IT_STANDS, Reading
from streamrec.datasets.files.row_source import RowSource
from streamrec.datasets.files.text_columns import N_ROWS_PEEKED
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import InvalidDataset, InvalidEvent

_PROGRESS_EVERY = 10_000  # rows


@dataclass(frozen=True)
class EventFile:
    """A file of events, or a folder of parts, and how to read it.

    Attributes
    ----------
    is_strict
        Whether the first row that does not fit ends the reading, instead of being left out and counted.
    """

    path: Path
    reading: Reading = AS_IT_STANDS
    is_strict: bool = False


def iter_events(file: EventFile, report: ReadReport) -> Iterator[tuple[int, Interaction]]:
    """Yield (line, event) in the file's order, in memory that does not grow with the file.

    The lines of a folder's parts are counted on from one to the next. Rows that do not fit are left out and
    counted in `report`, with line and reason.

    Raises
    ------
    InvalidDataset
        When the file can't be read as mapped, or, if it `is_strict`, at the first row that does not fit.
    """
    sources = sources_of(file.path, file.reading)
    mappings = [resolve_mapping(source) for source in sources]
    n_lines_before = 0
    for source, mapping in zip(sources, mappings, strict=True):
        _note_header(source, mapping, report)
        last_line = 0
        for line, event in _events_of(source, mapping, report, is_strict=file.is_strict):
            last_line = line
            yield n_lines_before + line, event
        n_lines_before += last_line


def _note_header(source: RowSource, mapping: Mapping[str, str], report: ReadReport) -> None:
    if source.kind == "csv" and source.reading.has_header and looks_like_data(list(mapping.values())):
        names = shown(source.columns())
        report.note(f"taken for the header and not read as an event: {names}", f"{source.path}, line 1")


def _events_of(
    source: RowSource, mapping: Mapping[str, str], report: ReadReport, *, is_strict: bool
) -> Iterator[tuple[int, Interaction]]:
    path = str(source.path)
    notes = RowNotes(report, path)
    rows = EventRows(source, notes)
    numbered = source.rows(mapping, mapping.values(), rows.suspicion, notes.note_open_mark)
    head = list(islice(numbered, N_ROWS_PEEKED))
    rows.learn_from([row for _, _, row in head])
    for line, n_lines, row in chain(head, numbered):
        report.n_read += 1
        try:
            yield line, rows.event_of(line, row)
        except InvalidEvent as error:
            if is_strict:
                raise InvalidDataset(f"{path}, line {line}: {error} ({error.reason})") from error
            report.reject(RejectedRow(line, error.reason, str(error), n_lines, path))


def read_events(
    files: EventFile | Sequence[EventFile], on_progress: Callable[[int], None] | None = None
) -> EventSet:
    """Read a whole file, or several, and sort their events by time (stable).

    Takes about 45 bytes an event (more where the file brings event ids) and each distinct id once: sorting
    needs all events. `iter_events` reads in bounded memory, in the file's order.

    Parameters
    ----------
    files
        The lines of the second one are counted on from the first, and so on.
    on_progress
        Called now and then with the number of rows read so far.

    Raises
    ------
    InvalidDataset
        As in `iter_events`, and when not one row of a file fits.
    """
    report = ReadReport()
    collector = EventCollector()
    files = [files] if isinstance(files, EventFile) else files
    n_lines_before = 0
    for file in files:
        last_line = 0
        for line, event in iter_events(file, report):
            last_line = n_lines_before + line
            collector.add(last_line, event)
            if on_progress is not None and report.n_read % _PROGRESS_EVERY == 0:
                on_progress(report.n_read)
        if not last_line:
            first = next((row for row in report.examples if row.path.startswith(str(file.path))), None)
            details = f"the first one, line {first.line}: {first.message}" if first else "it has no rows"
            raise InvalidDataset(f"not one row of {file.path} is an event; {details}")
        n_lines_before = last_line
    if on_progress is not None:
        on_progress(report.n_read)
    hashes = [hash_of(file.path) for file in files]
    content_hash = hashes[0] if len(hashes) == 1 else hashlib.sha256(" ".join(hashes).encode()).hexdigest()
    # Part of the hash in the name: events of two files of one name must not pass for repeats of each other.
    return collector.finish(f"{files[0].path.name.split('.')[0]}-{content_hash[:8]}", content_hash, report)
