"""Item metadata from and to files."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamrec.datasets.files.header_words import advice, shown, what_is_missing
from streamrec.datasets.files.item_rows import ItemRows, columns_of_fields
from streamrec.datasets.files.parts import sources_of
from streamrec.datasets.files.raw_rows import Place, RowNotes
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.reading import AS_IT_STANDS, Reading
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
    """An item, and where it stands."""

    item: Item
    place: Place


def iter_items(
    path: Path, reading: Reading = AS_IT_STANDS, report: ReadReport | None = None
) -> Iterator[Item]:
    """Yield the items of a file, as `iter_item_rows` finds them."""
    return (row.item for row in iter_item_rows(path, reading, report))


def iter_item_rows(
    path: Path, reading: Reading = AS_IT_STANDS, report: ReadReport | None = None
) -> Iterator[ItemRow]:
    """Yield the items of a CSV, JSON Lines or Parquet file, or of a folder of such parts.

    Columns that are no field of an item become attributes; in CSV, categories are separated by a ``|`` where
    nothing else is told. Rows that do not fit are left out and counted in the report, with line and reason.

    Raises
    ------
    InvalidDataset
        When the file can't be read, or has no item ids.
    """
    report = ReadReport() if report is None else report
    sources = sources_of(path, reading)
    columns = [_checked_columns(source) for source in sources]
    for source, column_of in zip(sources, columns, strict=True):
        yield from _items_of(source, column_of, report)


def _checked_columns(source: RowSource) -> dict[str, str]:
    """Look whether the columns will do; return field of an item -> column."""
    columns = source.columns()
    missing = what_is_missing(source, columns, "item_id")
    if missing is not None:
        told = advice(source, columns)
        if told is not None:
            raise InvalidDataset(f"{source.path}: its first line is {shown(columns)}; {told}")
        raise InvalidDataset(missing)
    column_of = columns_of_fields(source.reading.mapping, columns)
    source.check_single(column_of.values())
    return column_of


def _items_of(source: RowSource, column_of: Mapping[str, str], report: ReadReport) -> Iterator[ItemRow]:
    path = str(source.path)
    notes = RowNotes(report, path)
    rows = ItemRows(source, column_of, notes)
    numbered = source.rows(None, column_of.values(), rows.suspicion, notes.note_open_mark)
    head = list(islice(numbered, N_ROWS_PEEKED))
    rows.learn_from([row for _, _, row in head])
    for line, n_lines, row in chain(head, numbered):
        report.n_read += 1
        place = Place(line, n_lines, path)
        try:
            yield ItemRow(rows.item_of(line, row), place)
        except InvalidEvent as error:
            report.reject(place.rejected(error.reason, str(error)))
