"""Fields of lines of CSV: quotation marks count where they are well-formed, else they are text."""

import re
from typing import NamedTuple

BLANKS = " \t\u00a0\u202f\u3000\u200b\ufeff"
"""Blanks around a field, which are no part of it: no-break, wide and invisible ones too."""

_OF_SPREADSHEET = re.compile('="([^"]*)"')  # keeps a spreadsheet from making a number of a code
_ESCAPED = re.compile(r'\\(["\\])')


class OpenField(NamedTuple):
    """A quoted field that does not end on its line: its column, and its text so far."""

    at: int
    text: str


class Closing(NamedTuple):
    """The end of a quoted field on a later line: its text there, and what follows (None: nothing)."""

    text: str
    rest: str | None


class FieldSplitter:
    """Splits lines at a delimiter.

    Blanks around a field are not part of it, those within quotation marks are. A field that begins with a
    quotation mark is quoted if another mark ends it just before a delimiter or the end; within, two marks
    stand for one, or else a mark behind a backslash does. Any other mark is text, as in ``12" plate``. Of
    ``="007"``, which spreadsheets read as a text, the text counts.

    Parameters
    ----------
    delimiter
        Mostly one character.
    """

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        self.blanks = "".join(blank for blank in BLANKS if blank not in delimiter)
        end, blank = re.escape(delimiter), f"[{self.blanks}]"
        plain = f"[^{end}]*" if len(delimiter) == 1 else f"(?:(?!{end}).)*"
        self._field = re.compile(
            rf'(?:\A|{end})(?:{blank}*"((?:[^"]++|"")*+)"{blank}*(?={end}|\Z)'
            rf'|{blank}*"((?:[^"\\]++|\\.)*+)"{blank}*(?={end}|\Z)|({plain}))',
            re.DOTALL,
        )
        self._opening = re.compile(rf'{blank}*"((?:[^"]++|"")*+)\Z')
        self._until_mark = re.compile(r'((?:[^"]++|"")*+)"')

    def split(self, line: str) -> tuple[list[str], OpenField | None]:
        """Split a line; a field that stays open stands literally, and is told."""
        text = line.rstrip("\r\n")
        fields: list[str] = []
        opened: OpenField | None = None
        for match in self._field.finditer(text):
            if match[1] is not None:
                fields.append(_of_text(match[1].replace('""', '"')))
                continue
            if match[2] is not None:
                fields.append(_ESCAPED.sub(r"\1", match[2]))
                continue
            plain = _of_text(match[3].strip(self.blanks))
            if opened is None and plain.startswith('"'):
                rest = self._opening.match(text, match.start(3))
                if rest is not None:
                    # The line's end is part of the field.
                    opened = OpenField(len(fields), rest[1].replace('""', '"') + line[len(text) :])
            fields.append(plain)
        return fields, opened

    def closing(self, line: str) -> Closing | None:
        """Find where an open field ends on a later line; None: not on it.

        Raises
        ------
        ValueError
            When a mark stands there that neither ends the field nor is doubled.
        """
        match = self._until_mark.match(line)
        if match is None:
            return None
        text, rest = match[1].replace('""', '"'), line[match.end() :].lstrip(self.blanks)
        if not rest.strip("\r\n"):
            return Closing(text, None)
        if rest.startswith(self.delimiter):
            return Closing(text, rest[len(self.delimiter) :])
        raise ValueError("a quotation mark within a quoted field")


def _of_text(field: str) -> str:
    """Return the text that a spreadsheet is told to keep, or the field as it stands."""
    told = _OF_SPREADSHEET.fullmatch(field) if field.startswith("=") else None
    return told[1] if told else field
