"""Raw rows of a file -> events, by the rules for all senders and what the file's beginning tells."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streamrec.datasets.files.delimited.records import OPEN_MARK_NOTE, Suspicion
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.row_source import FileFormat
from streamrec.datasets.files.text_columns import day_numbers_of, is_whole_float, were_floats
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.values import NULL_MARKERS, DayNumbers
from streamrec.errors import InvalidEvent
from streamrec.wire import EventRecord, to_interaction

RawRow = Mapping[str, Any] | InvalidEvent

_NO_TIMES = NULL_MARKERS - {"NaN", "nan", "NAN"}  # these have words of their own
_ID_FIELDS = ("user_id", "item_id", "event_id")


class EventRows:
    """Makes events of the rows of one file.

    Parameters
    ----------
    report
        Where it is noted what was read, but perhaps not as it was meant.
    path
        The file, for the notes.
    """

    def __init__(self, kind: FileFormat, report: ReadReport, path: str) -> None:
        self._kind = kind
        self._report = report
        self._path = path
        self._day_numbers: DayNumbers = "days"
        self._float_fields: list[str] = []
        self.suspicion = Suspicion(self._is_event, is_sure=True, flat_names=EventRecord.__struct_fields__)

    def note_open_mark(self, line: int) -> None:
        """Note a line whose quotation mark stays open."""
        self._report.note(OPEN_MARK_NOTE, self._place(line))

    def learn_from(self, rows: Sequence[RawRow]) -> None:
        """Decide what numbers as times and texts as ids stand for, from the first rows."""
        good = [row for row in rows if not isinstance(row, InvalidEvent)]
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
        if isinstance(row, InvalidEvent):
            raise row
        if self._float_fields:
            row = self._with_floats(line, row)
        event = self._interaction(row)
        if event.user_id in NULL_MARKERS:
            self._note_marker("user_id", event.user_id, line)
        if event.item_id in NULL_MARKERS:
            self._note_marker("item_id", event.item_id, line)
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
                self._report.note(f"whole floats as {name}, such as 41.0, read as 41", self._place(line))
        return fields

    def _note_marker(self, name: str, marker: str, line: int) -> None:
        self._report.note(f"{name} {marker!r} read as an id", self._place(line))

    def _place(self, line: int) -> str:
        return f"{self._path}, line {line}"
