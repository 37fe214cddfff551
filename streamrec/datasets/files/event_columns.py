"""Columns of a file of events: which of them is which field."""

from collections.abc import Sequence

from streamrec.datasets.files.header_words import advice, shown
from streamrec.datasets.files.row_source import RowSource
from streamrec.errors import InvalidDataset
from streamrec.wire import EventRecord

EVENT_FIELDS = EventRecord.__struct_fields__
REQUIRED_FIELDS = ("user_id", "item_id", "timestamp")

_HINTS = {
    "user_id": ("user_id", "userid", "uuid", "uid", "user", "customer", "visitor", "session"),
    "item_id": ("item_id", "item", "product", "prod", "movie", "film", "article", "sku", "song"),
    "timestamp": ("timestamp", "time", "epoch", "date", "moment", "clicked", "created", "ts"),
}


def resolve_mapping(source: RowSource) -> dict[str, str]:
    """Return field -> column for every field that the file brings.

    Raises
    ------
    InvalidDataset
        When a field or column does not exist, a column is needed and stands twice, or a required field has
        no column; the message names the columns that do exist and says what to do.
    """
    given = source.reading.mapping
    unknown = sorted(set(given) - set(EVENT_FIELDS))
    if unknown:
        fields = ", ".join(EVENT_FIELDS)
        raise InvalidDataset(f"{', '.join(unknown)}: an event has no such field; it has {fields}")
    columns = source.columns()
    mapping = {name: name for name in EVENT_FIELDS if name in columns} | dict(given)
    missing = [column for column in mapping.values() if column not in columns]
    unmapped = [name for name in REQUIRED_FIELDS if name not in mapping]
    if missing or unmapped:
        raise InvalidDataset(_words(source, columns, missing, unmapped))
    source.check_single(mapping.values())
    if source.kind == "jsonl":
        # Keys that the first lines do not use may come later.
        mapping = {name: name for name in EVENT_FIELDS} | mapping
    return mapping


def _words(source: RowSource, columns: list[str], missing: list[str], unmapped: list[str]) -> str:
    told = advice(source, columns)
    if told is not None:
        return f"{source.path}: its first line is {shown(columns)}; {told}"
    wrong = [f"has no column {column!r}" for column in missing]
    wrong += [f"does not say which column is {name!r}" for name in unmapped]
    return (
        f"{source.path} {' and '.join(wrong)}; its columns are: {shown(columns)}. "
        f"Give a mapping such as --map {_suggestion(columns)}"
    )


def _suggestion(columns: Sequence[str]) -> str:
    pairs = []
    free = list(columns)
    for name, hints in _HINTS.items():
        found = [column for hint in hints for column in free if hint in column.lower()]
        if found:
            free.remove(found[0])
        pairs.append(f"{name}={shown(found[:1]) if found else 'COLUMN'}")
    return ",".join(pairs)
