"""Raw rows of a file -> items."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streamrec.datasets.files.delimited.records import Suspicion
from streamrec.datasets.files.raw_rows import RawRow, RowNotes, fields_of, readable
from streamrec.datasets.files.row_source import RowSource
from streamrec.datasets.files.text_columns import is_whole_float, were_floats
from streamrec.domain.events.values import NULL_ID, NULL_MARKERS, id_of
from streamrec.domain.items.item import Item, checked_attributes
from streamrec.errors import InvalidEvent, InvalidInput

CATEGORY_SEPARATOR = "|"


def columns_of_fields(mapping: Mapping[str, str]) -> dict[str, str]:
    """Return field of an item -> column, where columns not mapped have the field's own name."""
    return {name: name for name in Item.__struct_fields__} | dict(mapping)


class ItemRows:
    """Makes items of the rows of one file.

    Parameters
    ----------
    mapping
        Field of an item -> column.
    notes
        On what was read, but perhaps not as it was meant.
    """

    def __init__(self, source: RowSource, mapping: Mapping[str, str], notes: RowNotes) -> None:
        self._is_text = source.kind == "csv"
        self._notes = notes
        self._column_of = columns_of_fields(mapping)
        self._mapped = frozenset(self._column_of.values())
        self._were_floats = False
        # Text with tabs is hardly ever quoted; of CSV, a text of several lines may look like rows.
        is_tabbed = (source.delimiter or source.usual_delimiter).lower() in ("\t", "\\t", "tab")
        self.suspicion = Suspicion(self._is_item, is_tabbed, flat_names=[self._column_of["item_id"]])

    def learn_from(self, rows: Sequence[RawRow]) -> None:
        """Decide what texts as ids stand for, from the first rows."""
        ids = [row.get(self._column_of["item_id"]) for row in readable(rows)]
        self._were_floats = self._is_text and were_floats(ids)

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
            item = msgspec.convert({**fields, "item_id": item_id}, Item, strict=False)
            checked_attributes(item.attributes)
            msgspec.json.encode(item)
        except InvalidInput as error:
            raise InvalidEvent("too_deep", str(error)) from error
        except msgspec.ValidationError as error:
            raise InvalidEvent("does_not_fit", str(error)) from error
        except (UnicodeEncodeError, TypeError, RecursionError) as error:
            raise InvalidEvent("does_not_fit", f"it can't be written as JSON: {error}") from error
        if item_id in NULL_MARKERS:
            self._notes.note_marker("item_id", item_id, line)
        return item

    def _fields_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        fields = {name: row[column] for name, column in self._column_of.items() if column in row}
        categories = fields.get("categories")
        if isinstance(categories, str):
            fields["categories"] = [part for part in categories.split(CATEGORY_SEPARATOR) if part]
        if self._is_text:
            fields = {name: value for name, value in fields.items() if value != NULL_ID or name == "item_id"}
        attributes = {
            column: value
            for column, value in row.items()
            if column not in self._mapped and not (self._is_text and value == NULL_ID)
        }
        if attributes:
            given = fields.get("attributes", {})
            if not isinstance(given, Mapping):
                raise InvalidEvent("does_not_fit", "attributes are no object")
            fields["attributes"] = {**attributes, **given}
        return fields

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
        item_id = row.get(self._column_of["item_id"])
        return isinstance(item_id, str) and not any(mark in item_id for mark in ' \t"')
