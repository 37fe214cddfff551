"""Raw rows of a file -> items."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streamrec.datasets.files.delimited.records import Suspicion
from streamrec.datasets.files.objects.item_values import attributes_of, categories_of, text_of, truth_in
from streamrec.datasets.files.objects.paths import value_at
from streamrec.datasets.files.raw_rows import RawRow, RowNotes, attributes_looked_at, fields_of, readable
from streamrec.datasets.files.reading import LIST_SEPARATOR
from streamrec.datasets.files.row_source import RowSource
from streamrec.datasets.files.text_columns import (
    is_whole_float,
    is_word,
    number_of,
    parts_of_list,
    were_floats,
)
from streamrec.domain.events.values import NULL_ID, NULL_MARKERS, id_of
from streamrec.domain.items.item import Item, checked_attributes
from streamrec.errors import InvalidEvent


def columns_of_fields(mapping: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
    """Return field of an item -> column, where columns not mapped have the field's own name."""
    usual = {name: name for name in Item.__struct_fields__}
    if "hidden" in columns and "is_hidden" not in columns:
        usual["is_hidden"] = "hidden"
    return usual | dict(mapping)


class ItemRows:
    """Makes items of the rows of one file.

    Parameters
    ----------
    column_of
        As of `columns_of_fields`.
    notes
        On what was read, but perhaps not as it was meant.
    """

    def __init__(self, source: RowSource, column_of: Mapping[str, str], notes: RowNotes) -> None:
        self._is_text = source.kind == "csv"
        self._notes = notes
        how = source.reading
        self._column_of = column_of
        self._attributes = [name for name in how.mapping if name not in Item.__struct_fields__]
        self._mapped = frozenset(self._column_of.values())
        self._decimal = how.decimal
        self._lists = {self._column_of["categories"]: LIST_SEPARATOR} | dict(how.lists)
        self._were_floats = False
        self._numbers: frozenset[str] = frozenset()
        self.suspicion = Suspicion(self._is_item, source.is_tabbed, flat_names=[self._column_of["item_id"]])

    def learn_from(self, rows: Sequence[RawRow]) -> None:
        """Decide what texts stand for, from the first rows: ids that were floats, attributes of numbers."""
        if not self._is_text:
            return
        good = readable(rows)
        self._were_floats = were_floats([row.get(self._column_of["item_id"]) for row in good])
        fields = {self._column_of[name] for name in Item.__struct_fields__}
        columns = {column for row in good for column in row} - fields - set(self._lists)
        self._numbers = frozenset(column for column in columns if self._holds_numbers(column, good))

    def _holds_numbers(self, column: str, rows: Sequence[Mapping[str, Any]]) -> bool:
        texts = [text for row in rows if (text := row.get(column)) is not None and text not in NULL_MARKERS]
        return bool(texts) and all(number_of(text, self._decimal) is not None for text in texts)

    def item_of(self, line: int, row: RawRow) -> Item:
        """Return the item of a row.

        Raises
        ------
        InvalidEvent
            When it is none.
        """
        fields = self._fields_of(fields_of(row))
        item_id = self._id_of(line, fields.pop("item_id", None))
        try:
            with attributes_looked_at():
                item = msgspec.convert({**fields, "item_id": item_id}, Item, strict=False)
                checked_attributes(item.attributes)
                msgspec.json.encode(item)
        except msgspec.ValidationError as error:
            raise InvalidEvent("does_not_fit", str(error)) from error
        if item_id in NULL_MARKERS:
            self._notes.note_marker("item_id", item_id, line)
        return item

    def _fields_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        item_id = value_at(row, self._column_of["item_id"])
        if self._is_text:
            row = {column: self._meant(column, text) for column, text in row.items() if text != NULL_ID}
        found = ((name, value_at(row, column)) for name, column in self._column_of.items())
        fields = {name: value for name, value in found if value is not None}
        if item_id is not None:
            fields["item_id"] = item_id
        self._mend(fields)
        attributes = {column: value for column, value in row.items() if column not in self._mapped}
        attributes |= {name: fields.pop(name) for name in self._attributes if name in fields}
        if attributes:
            given = fields.get("attributes", {})
            if not isinstance(given, Mapping):
                raise InvalidEvent("does_not_fit", "attributes are no object")
            fields["attributes"] = {**attributes, **given}
        return fields

    def _mend(self, fields: dict[str, Any]) -> None:
        """Make fields what they are meant to be, where exports write them in other ways."""
        for name in ("title", "text", "kind"):
            if name in fields:
                fields[name] = text_of(fields[name])
        if "categories" in fields:
            separator = self._lists[self._column_of["categories"]]
            fields["categories"] = categories_of(fields["categories"], separator)
        if "is_hidden" in fields and (truth := truth_in(fields.pop("is_hidden"))) is not None:
            fields["is_hidden"] = truth
        if "attributes" in fields:
            fields["attributes"] = attributes_of(fields["attributes"])

    def _meant(self, column: str, text: str) -> object:
        """Return what a text of CSV stands for."""
        if column in self._lists and column != self._column_of["categories"]:
            return parts_of_list(text, self._lists[column])
        if column in self._numbers:
            number = number_of(text, self._decimal)
            return text if number is None else number
        return text

    def _id_of(self, line: int, given: object) -> str:
        if self._were_floats and isinstance(given, str) and is_whole_float(given):
            self._notes.note_whole_float("item_id", line)
            given = float(given)
        if given is None:
            raise InvalidEvent("does_not_fit", "the row has no item_id")
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            raise InvalidEvent(
                "does_not_fit", f"item_id is a {type(given).__name__}, wanted a text or a number"
            )
        return id_of("item_id", given)

    def _is_item(self, row: Mapping[str, Any]) -> bool:
        """Return whether a line by itself looks like an item: its id is one word."""
        return is_word(row.get(self._column_of["item_id"]))
