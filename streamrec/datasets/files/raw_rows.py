"""Raw rows of a file: steps that readers of events, items and users share."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from streamrec.datasets.files.delimited.records import OPEN_MARK_NOTE
from streamrec.datasets.files.read_report import ReadReport, RejectedRow
from streamrec.errors import InvalidEvent, InvalidInput

RawRow = Mapping[str, Any] | InvalidEvent
"""Fields by name, or why a line is none."""


def readable(rows: Sequence[RawRow]) -> list[Mapping[str, Any]]:
    """Return those that are rows."""
    return [row for row in rows if not isinstance(row, InvalidEvent)]


def fields_of(row: RawRow) -> Mapping[str, Any]:
    """Return a row's fields.

    Raises
    ------
    InvalidEvent
        When it is none.
    """
    if isinstance(row, InvalidEvent):
        raise row
    return row


@contextmanager
def attributes_looked_at() -> Iterator[None]:
    """Refuse a row whose attributes turn out to be nested too deeply, or to be nothing that JSON can hold.

    Raises
    ------
    InvalidEvent
        Saying which of both it is.
    """
    try:
        yield
    except InvalidInput as error:
        raise InvalidEvent("too_deep", str(error)) from error
    except (UnicodeEncodeError, TypeError, RecursionError) as error:
        raise InvalidEvent("does_not_fit", f"it can't be written as JSON: {error}") from error


class Place(NamedTuple):
    """Place of a row in its file: lines as in `RejectedRow`."""

    line: int
    n_lines: int
    path: str

    def rejected(self, reason: str, message: str) -> RejectedRow:
        """Return the row that stands here as one that is left out."""
        return RejectedRow(self.line, reason, message, self.n_lines, self.path)


class RowNotes(NamedTuple):
    """Notes on a file that was read, but perhaps not as it was meant."""

    report: ReadReport
    path: str

    def note(self, text: str, line: int) -> None:
        """Note something about a line."""
        self.report.note(text, f"{self.path}, line {line}")

    def note_open_mark(self, line: int) -> None:
        """Note a line whose quotation mark stays open."""
        self.note(OPEN_MARK_NOTE, line)

    def note_whole_float(self, name: str, line: int) -> None:
        """Note an id that was written as a float."""
        self.note(f"whole floats as {name}, such as 41.0, read as 41", line)

    def note_marker(self, name: str, marker: str, line: int) -> None:
        """Note an id that elsewhere means that there is none."""
        self.note(f"{name} {marker!r} read as an id", line)
