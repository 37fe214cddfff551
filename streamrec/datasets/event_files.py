"""Any CSV, JSON Lines or Parquet file of events, through a mapping from fields to columns."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from streamrec.datasets.event_collector import EventCollector
from streamrec.datasets.event_set import EventSet, ReadReport, RejectedRow
from streamrec.datasets.row_source import FileFormat, RowSource
from streamrec.datasets.text_rows import RawRow
from streamrec.domain.interaction import Interaction
from streamrec.errors import InvalidDataset, InvalidEvent
from streamrec.wire import EventRecord, to_interaction

EVENT_FIELDS = EventRecord.__struct_fields__
REQUIRED_FIELDS = ("user_id", "item_id", "timestamp")

_HINTS = {
    "user_id": ("user_id", "userid", "uuid", "uid", "user", "customer", "visitor", "session"),
    "item_id": ("item_id", "item", "product", "prod", "movie", "film", "article", "sku", "song"),
    "timestamp": ("timestamp", "time", "epoch", "date", "moment", "clicked", "created", "ts"),
}
_PROGRESS_EVERY = 10_000  # rows


@dataclass(frozen=True)
class EventFile:
    """A file of events and how to read it.

    Attributes
    ----------
    mapping
        Field of an event -> column, for example ``{"user_id": "uuid", "value": "price"}``. A field that is
        not named is read from the column of its own name, if there is one.
    is_strict
        Whether the first row that does not fit ends the reading, instead of being left out and counted.
    format, delimiter
        As in `RowSource`.
    """

    path: Path
    mapping: Mapping[str, str] = field(default_factory=dict)
    is_strict: bool = False
    format: FileFormat | None = None
    delimiter: str | None = None

    def source(self) -> RowSource:
        """Return the rows beneath."""
        return RowSource(self.path, self.format, self.delimiter)


def resolve_mapping(file: EventFile) -> dict[str, str]:
    """Return field -> column for every field that the file brings.

    Raises
    ------
    InvalidDataset
        When a field or column does not exist, or a required field has no column; the message names the
        columns that do exist and suggests a mapping.
    """
    unknown = sorted(set(file.mapping) - set(EVENT_FIELDS))
    if unknown:
        fields = ", ".join(EVENT_FIELDS)
        raise InvalidDataset(f"{', '.join(unknown)}: an event has no such field; it has {fields}")
    columns = file.source().columns()
    mapping = {name: name for name in EVENT_FIELDS if name in columns} | dict(file.mapping)
    missing = [column for column in mapping.values() if column not in columns]
    unmapped = [name for name in REQUIRED_FIELDS if name not in mapping]
    if missing or unmapped:
        wrong = [f"has no column {column!r}" for column in missing]
        wrong += [f"does not say which column is {name!r}" for name in unmapped]
        raise InvalidDataset(
            f"{file.path} {' and '.join(wrong)}; its columns are: {', '.join(map(str, columns[:40]))}. "
            f"Give a mapping such as {_suggestion(columns)}"
        )
    return mapping


def _suggestion(columns: list[str]) -> str:
    pairs = []
    free = list(columns)
    for name, hints in _HINTS.items():
        found = [column for hint in hints for column in free if hint in column.lower()]
        if found:
            free.remove(found[0])
        pairs.append(f"{name}={found[0] if found else 'COLUMN'}")
    return ",".join(pairs)


def iter_events(file: EventFile, report: ReadReport) -> Iterator[tuple[int, Interaction]]:
    """Yield (line, event) in the file's order, in memory that does not grow with the file.

    Rows that do not fit are left out and counted in `report`, with line and reason.

    Raises
    ------
    InvalidDataset
        When the file can't be read as mapped, or, if it `is_strict`, at the first row that does not fit.
    """
    mapping = resolve_mapping(file)
    for line, row in file.source().rows(list(mapping.values())):
        report.n_read += 1
        try:
            yield line, _event_of(row, mapping)
        except InvalidEvent as error:
            if file.is_strict:
                raise InvalidDataset(f"{file.path}, line {line}: {error} ({error.reason})") from error
            report.reject(RejectedRow(line, error.reason, str(error)))


def _event_of(row: RawRow, mapping: Mapping[str, str]) -> Interaction:
    if isinstance(row, InvalidEvent):
        raise row
    fields = {name: row[column] for name, column in mapping.items() if column in row}
    if "timestamp" not in fields:
        # In a stream the arrival stands in for it; a file has none.
        raise InvalidEvent("no_timestamp", "the row does not say when it happened")
    try:
        record = msgspec.convert(fields, EventRecord)
    except msgspec.ValidationError as error:
        raise InvalidEvent("does_not_fit", str(error)) from error
    return to_interaction(record, arrival_s=0.0)


def read_events(file: EventFile, on_progress: Callable[[int], None] | None = None) -> EventSet:
    """Read a whole file and sort it by time (stable).

    Takes about 45 bytes an event (more where the file brings event ids) and each distinct id once: sorting
    needs all events. `iter_events` reads in bounded memory, in the file's order.

    Parameters
    ----------
    on_progress
        Called now and then with the number of rows read so far.

    Raises
    ------
    InvalidDataset
        As in `iter_events`, and when not one row fits.
    """
    report = ReadReport()
    collector = EventCollector()
    n_events = 0
    for line, event in iter_events(file, report):
        collector.add(line, event)
        n_events += 1
        if on_progress is not None and report.n_read % _PROGRESS_EVERY == 0:
            on_progress(report.n_read)
    if n_events == 0:
        first = report.examples[0] if report.examples else None
        details = f"the first one, line {first.line}: {first.message}" if first else "it has no rows"
        raise InvalidDataset(f"not one row of {file.path} is an event; {details}")
    if on_progress is not None:
        on_progress(report.n_read)
    content_hash = hash_file(file.path)
    # Part of the hash in the name: events of two files of one name must not pass for repeats of each other.
    return collector.finish(f"{file.path.name.split('.')[0]}-{content_hash[:8]}", content_hash, report)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
