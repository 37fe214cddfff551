"""Attributes of users from files."""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from streamrec.datasets.files.delimited.records import Suspicion
from streamrec.datasets.files.header_words import advice, shown, what_is_missing
from streamrec.datasets.files.objects.paths import value_at
from streamrec.datasets.files.parts import sources_of
from streamrec.datasets.files.raw_rows import (
    Place,
    RawRow,
    RowNotes,
    attributes_looked_at,
    fields_of,
    readable,
)
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.reading import Reading
from streamrec.datasets.files.row_source import RowSource
from streamrec.datasets.files.text_columns import (
    N_ROWS_PEEKED,
    is_whole_float,
    is_word,
    parts_of_list,
    were_floats,
)
from streamrec.domain.events.values import NULL_ID, id_of
from streamrec.domain.items.item import checked_attributes
from streamrec.errors import InvalidDataset, InvalidEvent

USER_ID = "user_id"


class UserRow(NamedTuple):
    """Attributes of a user, and where they stand."""

    user_id: str
    attributes: dict[str, Any]
    place: Place


def iter_user_rows(path: Path, reading: Reading, report: ReadReport) -> Iterator[UserRow]:
    """Yield the users of a CSV, JSON Lines or Parquet file, or of a folder of such parts.

    Each column but that of the ids is an attribute; what an object ``attributes`` holds counts before them.
    Rows that do not fit are left out and counted in the report, with line and reason.

    Raises
    ------
    InvalidDataset
        When the file can't be read, or has no user ids.
    """
    sources = sources_of(path, reading)
    for source in sources:
        columns = source.columns()
        missing = what_is_missing(source, columns, USER_ID)
        if missing is not None:
            told = advice(source, columns)
            words = None if told is None else f"{source.path}: its first line is {shown(columns)}; {told}"
            raise InvalidDataset(words or missing)
        source.check_single([source.reading.mapping.get(USER_ID, USER_ID)])
    for source in sources:
        yield from _users_of(source, report)


def _users_of(source: RowSource, report: ReadReport) -> Iterator[UserRow]:
    path, notes, reading = str(source.path), RowNotes(report, str(source.path)), source.reading
    column = reading.mapping.get(USER_ID, USER_ID)
    suspicion = Suspicion(lambda row: is_word(row.get(column)), source.is_tabbed, flat_names=[column])
    is_text = source.kind == "csv"
    numbered = source.rows(None, [column], suspicion, notes.note_open_mark)
    head = list(islice(numbered, N_ROWS_PEEKED))
    are_floats = is_text and were_floats(
        [value_at(row, column) for row in readable([row for *_, row in head])]
    )
    for line, n_lines, row in chain(head, numbered):
        report.n_read += 1
        place = Place(line, n_lines, path)
        try:
            user_id, attributes = _user_of(row, column, reading, is_text=is_text)
            if are_floats and is_whole_float(user_id):
                notes.note_whole_float(USER_ID, line)
                user_id = id_of(USER_ID, float(user_id))
            yield UserRow(user_id, attributes, place)
        except InvalidEvent as error:
            report.reject(place.rejected(error.reason, str(error)))


def _user_of(row: RawRow, column: str, reading: Reading, *, is_text: bool) -> tuple[str, dict[str, Any]]:
    fields = dict(fields_of(row))
    given = value_at(fields, column)
    fields.pop(column, None)
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise InvalidEvent("does_not_fit", f"the row has no {USER_ID}")
    user_id = id_of(USER_ID, given)
    if is_text:
        fields = {
            name: parts_of_list(text, reading.lists[name]) if name in reading.lists else text
            for name, text in fields.items()
            if text != NULL_ID
        }
    names = {of_field: name for name, of_field in reading.mapping.items() if name != USER_ID}
    attributes = {names.get(name, name): value for name, value in fields.items()}
    inner = attributes.pop("attributes", {})
    if not isinstance(inner, Mapping):
        raise InvalidEvent("does_not_fit", "attributes are no object")
    attributes |= inner
    with attributes_looked_at():
        checked_attributes(attributes)
        msgspec.json.encode(attributes)
    return user_id, attributes
