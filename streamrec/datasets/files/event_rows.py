"""Raw rows of a file -> events, by the rules for all senders and what the file's beginning tells."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streamrec.datasets.files.delimited.records import Suspicion
from streamrec.datasets.files.raw_rows import RawRow, RowNotes, fields_of, readable
from streamrec.datasets.files.row_source import FileFormat
from streamrec.datasets.files.text_columns import day_numbers_of, is_whole_float, were_floats
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.values import NULL_MARKERS, DayNumbers
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

    def __init__(self, kind: FileFormat, notes: RowNotes) -> None:
        self._kind = kind
        self._notes = notes
        self._day_numbers: DayNumbers = "days"
        self._float_fields: list[str] = []
        self.suspicion = Suspicion(self._is_event, is_sure=True, flat_names=EventRecord.__struct_fields__)

    def learn_from(self, rows: Sequence[RawRow]) -> None:
        """Decide what numbers as times and texts as ids stand for, from the first rows."""
        good = readable(rows)
        self._day_numbers = day_numbers_of([row.get("timestamp") for row in good])
        if self._kind == "csv":
            self._float_fields = [name for name in _ID_FIELDS if were_floats([row.get(name) for row in good])]

    def event_of(self, line: int, row: RawRow) -> Interaction:
        """Return the event of a row.

        Raises
        ------
        InvalidEvent
            When it is none.
        """
        fields = fields_of(row)
        if self._float_fields:
            fields = self._with_floats(line, fields)
        event = self._interaction(fields)
        if event.user_id in NULL_MARKERS:
            self._notes.note_marker("user_id", event.user_id, line)
        if event.item_id in NULL_MARKERS:
            self._notes.note_marker("item_id", event.item_id, line)
        return event

    def _interaction(self, row: Mapping[str, Any]) -> Interaction:
        timestamp = row.get("timestamp")
        if timestamp is None or (isinstance(timestamp, str) and timestamp in _NO_TIMES):
            # In a stream the arrival stands in for it; a file has none.
            written = "" if timestamp is None else f": its timestamp is {timestamp!r}"
            raise InvalidEvent("no_timestamp", f"the row does not say when it happened{written}")
        try:
            record = msgspec.convert(row, EventRecord)
        except msgspec.ValidationError as error:
            raise InvalidEvent("does_not_fit", str(error)) from error
        return to_interaction(record, 0.0, self._day_numbers)

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
