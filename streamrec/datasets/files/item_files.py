"""Item metadata from and to files."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamrec.datasets.files.header_words import advice, shown
from streamrec.datasets.files.item_rows import ItemRows, columns_of_fields
from streamrec.datasets.files.parts import sources_of
from streamrec.datasets.files.raw_rows import RowNotes
from streamrec.datasets.files.read_report import ReadReport, RejectedRow
from streamrec.datasets.files.row_source import RowSource
from streamrec.datasets.files.text_columns import N_ROWS_PEEKED
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidDataset, InvalidEvent


def catalog_path(events_path: Path) -> Path:
    """Return where the metadata of a file of events is looked for: beside it.

    >>> str(catalog_path(Path("a/clicks.csv.gz")))
    'a/clicks.items.jsonl'
    """
    return events_path.with_name(f"{events_path.name.split('.')[0]}.items.jsonl")


def write_items(path: Path, items: Iterable[Item]) -> int:
    """Write JSON Lines, one item a line, and return how many."""
    encoder = msgspec.json.Encoder()
    n_items = 0
    with path.open("wb") as file:
        for item in items:
            file.write(encoder.encode(item) + b"\n")
            n_items += 1
    return n_items


class ItemRow(NamedTuple):
    """An item, and where it stands: lines as in `RejectedRow`."""

    item: Item
    line: int
    n_lines: int
    path: str

    def rejected(self, reason: str, message: str) -> RejectedRow:
        """Return the row as one that is left out."""
        return RejectedRow(self.line, reason, message, self.n_lines, self.path)


def iter_items(
    path: Path,
    mapping: Mapping[str, str] | None = None,
    report: ReadReport | None = None,
    delimiter: str | None = None,
) -> Iterator[Item]:
    """Yield the items of a file, as `iter_item_rows` finds them."""
    return (row.item for row in iter_item_rows(path, mapping, report, delimiter))


def iter_item_rows(
    path: Path,
    mapping: Mapping[str, str] | None = None,
    report: ReadReport | None = None,
    delimiter: str | None = None,
) -> Iterator[ItemRow]:
    """Yield the items of a CSV, JSON Lines or Parquet file, or of a folder of such parts.

    Columns that are no field of an item become attributes; in CSV, categories are separated by a ``|``. Rows
    that do not fit are left out and counted in the report, with line and reason.

    Parameters
    ----------
    mapping
        Field of an item -> column, for columns of other names.
    delimiter
        Of CSV.

    Raises
    ------
    InvalidDataset
        When the file can't be read, or has no item ids.
    """
    report = ReadReport() if report is None else report
    sources = sources_of(path, delimiter=delimiter)
    for source in sources:
        _check_columns(source, mapping or {})
    for source in sources:
        yield from _items_of(source, mapping or {}, report)


def _check_columns(source: RowSource, mapping: Mapping[str, str]) -> None:
    """Look whether the columns will do."""
    columns = source.columns()
    missing = sorted(set(mapping.values()) - set(columns))
    if missing or "item_id" not in {*columns, *mapping}:
        told = advice(source, columns)
        if told is not None:
            raise InvalidDataset(f"{source.path}: its first line is {shown(columns)}; {told}")
        wrong = f"no column {shown(missing)}" if missing else "no column 'item_id'"
        raise InvalidDataset(f"{source.path} has {wrong}; its columns are: {shown(columns)}")
    source.check_single(columns_of_fields(mapping).values())


def _items_of(source: RowSource, mapping: Mapping[str, str], report: ReadReport) -> Iterator[ItemRow]:
    path = str(source.path)
    notes = RowNotes(report, str(source.path))
    rows = ItemRows(source, mapping, notes)
    needed = columns_of_fields(mapping).values()
    numbered = source.rows(None, needed, rows.suspicion, notes.note_open_mark)
    head = list(islice(numbered, N_ROWS_PEEKED))
    rows.learn_from([row for _, _, row in head])
    for line, n_lines, row in chain(head, numbered):
        report.n_read += 1
        try:
            yield ItemRow(rows.item_of(line, row), line, n_lines, path)
        except InvalidEvent as error:
            report.reject(RejectedRow(line, error.reason, str(error), n_lines, path))
