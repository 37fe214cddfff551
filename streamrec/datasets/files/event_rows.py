"""Raw rows of a file -> events, by the rules for all senders and what the file's beginning tells."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streamrec.datasets.files.delimited.records import Suspicion
from streamrec.datasets.files.raw_rows import RawRow, RowNotes, fields_of, readable
from streamrec.datasets.files.row_source import RowSource
from streamrec.datasets.files.text_columns import (
    amount_of,
    day_numbers_of,
    has_decimal_comma,
    is_plain_number,
    is_whole_float,
    were_floats,
    with_point,
)
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.time_formats import TimeFormat
from streamrec.domain.events.times import BadTime
from streamrec.domain.events.values import NULL_MARKERS, DayNumbers, value_of
from streamrec.errors import InvalidEvent
from streamrec.wire import EventRecord, to_interaction

_NO_TIMES = NULL_MARKERS - {"NaN", "nan", "NAN"}  # these have words of their own
_ID_FIELDS = ("user_id", "item_id", "event_id")


class EventRows:
    """Makes events of the rows of one file.

    Parameters
    ----------
    notes
        On what was read, but perhaps not as it was meant.
    """

    def __init__(self, source: RowSource, notes: RowNotes) -> None:
        how = source.reading
        self._is_text = source.kind == "csv"
        self._decimal = how.decimal if self._is_text else "."
        self._time_format = None if how.time_format is None else TimeFormat(how.time_format)
        self._told, self._has_values = how.mapping, True
        self._notes = notes
        self._day_numbers: DayNumbers = "days"
        self._float_fields: list[str] = []
        self.suspicion = Suspicion(self._is_event, is_sure=True, flat_names=EventRecord.__struct_fields__)

    def learn_from(self, rows: Sequence[RawRow]) -> None:
        """Decide what numbers as times and texts as ids stand for, from the first rows."""
        good = readable(rows)
        self._day_numbers = day_numbers_of([row.get("timestamp") for row in good])
        if self._is_text:
            self._float_fields = [name for name in _ID_FIELDS if were_floats([row.get(name) for row in good])]
        if "value" not in self._told:
            values = [row["value"] for row in good if "value" in row]
            self._has_values = not values or any(map(self._is_number, values))

    def event_of(self, line: int, row: RawRow) -> Interaction:
        """Return the event of a row.

        Raises
        ------
        InvalidEvent
            When it is none.
        """
        fields = fields_of(row)
        if not self._has_values and "value" in fields:
            fields = {name: given for name, given in fields.items() if name != "value"}
            self._notes.note("value, which is no number in the first rows, is not read", line)
        if self._float_fields:
            fields = self._with_floats(line, fields)
        event = self._interaction(fields)
        if event.user_id in NULL_MARKERS:
            self._notes.note_marker("user_id", event.user_id, line)
        if event.item_id.startswith(("[", "{")):
            self._notes.note("item_id looks like a list or an object: a row is to be of one item", line)
        if event.item_id in NULL_MARKERS:
            self._notes.note_marker("item_id", event.item_id, line)
        return event

    def _interaction(self, row: Mapping[str, Any]) -> Interaction:
        timestamp, item_ids = row.get("timestamp"), row.get("item_id")
        if isinstance(item_ids, list):
            words = "a row is to be of one item (jq, or pandas' explode, makes rows of lists)"
            raise InvalidEvent("several_items", f"item_id is a list of {len(item_ids):,}: {words}")
        if timestamp is None or (isinstance(timestamp, str) and timestamp in _NO_TIMES):
            # In a stream the arrival stands in for it; a file has none.
            written = "" if timestamp is None else f": its timestamp is {timestamp!r}"
            raise InvalidEvent("no_timestamp", f"the row does not say when it happened{written}")
        is_amount = self._is_text and not is_plain_number(row.get("value", "0"))
        if is_amount or self._time_format is not None or self._decimal != ".":
            row = self._with_plain_numbers(row, timestamp)
        try:
            record = msgspec.convert(row, EventRecord)
        except msgspec.ValidationError as error:
            raise InvalidEvent("does_not_fit", str(error)) from error
        day_numbers = self._day_numbers if self._time_format is None else "seconds"
        try:
            return to_interaction(record, 0.0, day_numbers)
        except InvalidEvent as error:
            raise self._with_hint(error, row) from error

    def _with_plain_numbers(self, row: Mapping[str, Any], timestamp: object) -> Mapping[str, Any]:
        """Return a row whose time and value are written as everywhere."""
        fields = dict(row)
        if isinstance(timestamp, str):
            timestamp = with_point(timestamp, self._decimal)
        if self._is_text and isinstance(value := fields.get("value"), str):
            fields["value"] = amount_of(value, self._decimal)
        fields["timestamp"] = timestamp
        if self._time_format is not None and isinstance(timestamp, str | int | float):
            try:
                fields["timestamp"] = self._time_format.seconds_of(timestamp)
            except BadTime as error:
                shown = repr(timestamp[:40] if isinstance(timestamp, str) else timestamp)
                raise InvalidEvent("bad_timestamp", f"timestamp {shown} {error}") from None
        return fields

    def _with_hint(self, error: InvalidEvent, row: Mapping[str, Any]) -> InvalidEvent:
        """Add the option that would help, where one would."""
        if error.reason == "bad_value" and has_decimal_comma(str(row.get("value"))):
            return InvalidEvent(error.reason, f"{error}; give --decimal ,")
        if error.reason == "bad_timestamp" and self._time_format is None:
            return InvalidEvent(error.reason, f"{error}; --time-format names another form")
        return error

    def _is_number(self, given: object) -> bool:
        """Return whether a value is a number, or one that is written otherwise than we were told."""
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            return False
        if isinstance(given, str) and has_decimal_comma(given):
            return True  # with another --decimal, which a message is to name
        try:
            value_of(amount_of(given, self._decimal) if isinstance(given, str) else given)
        except InvalidEvent:
            return False
        return True

    def _is_event(self, row: Mapping[str, Any]) -> bool:
        """Return whether a line by itself is an event."""
        try:
            self._interaction(row)
        except InvalidEvent:
            return False
        return True

    def _with_floats(self, line: int, row: Mapping[str, Any]) -> Mapping[str, Any]:
        fields = dict(row)
        for name in self._float_fields:
            text = row.get(name)
            if isinstance(text, str) and is_whole_float(text):
                fields[name] = float(text)
                self._notes.note_whole_float(name, line)
        return fields
