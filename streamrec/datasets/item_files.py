"""Item metadata from and to files."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from streamrec.datasets.row_source import RowSource
from streamrec.domain.item import Item
from streamrec.errors import InvalidDataset

ITEM_FIELDS = Item.__struct_fields__
CATEGORY_SEPARATOR = "|"


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


def iter_items(path: Path, mapping: Mapping[str, str] | None = None) -> Iterator[Item]:
    """Yield the items of a CSV, JSON Lines or Parquet file.

    Columns that are no field of an item become attributes; in CSV, categories are separated by a ``|``.

    Parameters
    ----------
    mapping
        Field of an item -> column, for columns of other names.

    Raises
    ------
    InvalidDataset
        When the file can't be read, has no item ids, or at the first row that does not fit.
    """
    source = RowSource(path)
    columns = source.columns()
    field_of = {column: column for column in columns} | {c: f for f, c in (mapping or {}).items()}
    missing = sorted(set(field_of) - set(columns))
    if missing or "item_id" not in field_of.values():
        wrong = f"no column {', '.join(missing)}" if missing else "no column 'item_id'"
        raise InvalidDataset(f"{path} has {wrong}; its columns are: {', '.join(columns)}")
    for line, row in source.rows(columns):
        if isinstance(row, Exception):
            raise InvalidDataset(f"{path}, line {line}: {row}") from row
        try:
            yield msgspec.convert(_item_fields(row, field_of), Item, strict=False)
        except msgspec.ValidationError as error:
            raise InvalidDataset(f"{path}, line {line}: {error}") from error


def _item_fields(row: Mapping[str, Any], field_of: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for column, value in row.items():
        name = field_of[column]
        (fields if name in ITEM_FIELDS else attributes)[name] = value
    categories = fields.get("categories")
    if isinstance(categories, str):
        fields["categories"] = [part for part in categories.split(CATEGORY_SEPARATOR) if part]
    if isinstance(fields.get("item_id"), int | float):
        fields["item_id"] = str(fields["item_id"])
    if attributes:
        fields["attributes"] = {**attributes, **fields.get("attributes", {})}
    return fields
