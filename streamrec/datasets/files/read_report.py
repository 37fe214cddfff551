"""Account of a reading: how many rows, what was left out and why, and what a reader should know."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple


class RejectedRow(NamedTuple):
    """A row that could not be read.

    Attributes
    ----------
    line
        Line on which it starts (a header is line 1); of Parquet, the number of the row.
    reason
        A word.
    message
        The details.
    n_lines
        Lines that it takes in the file.
    path
        The file.
    """

    line: int
    reason: str
    message: str
    n_lines: int = 1
    path: str = ""


@dataclass
class Note:
    """A thing met in `n` rows that were read all the same, and where the first of them stands."""

    n: int
    first: str


@dataclass
class ReadReport:
    """Counts of a reading.

    Attributes
    ----------
    n_read
        Rows met, whether they were left out or not.
    reasons, lines
        Rows left out by reason, and the lines of the file that they take.
    examples
        The first `MAX_EXAMPLES` rows left out for each reason.
    notes
        What was read, but perhaps not as it was meant.
    """

    n_read: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    examples: list[RejectedRow] = field(default_factory=list)
    notes: dict[str, Note] = field(default_factory=dict)

    MAX_EXAMPLES = 3
    MAX_NOTES = 50
    """Kinds of notes: a file of nothing but oddities must not fill the memory."""

    @property
    def n_rejected(self) -> int:
        """Rows left out."""
        return self.reasons.total()

    def reject(self, row: RejectedRow) -> None:
        """Count a row that is left out."""
        self.reasons[row.reason] += 1
        self.lines[row.reason] += row.n_lines
        if self.reasons[row.reason] <= self.MAX_EXAMPLES:
            self.examples.append(row)

    def note(self, text: str, example: str, n: int = 1) -> None:
        """Count rows that were read, but perhaps not as they were meant."""
        if text in self.notes:
            self.notes[text].n += n
        elif len(self.notes) < self.MAX_NOTES:
            self.notes[text] = Note(n, example)

    def summary(self) -> list[str]:
        """Return the account in lines of text; none when all rows were read as they stand."""
        told = []
        if self.n_rejected:
            told.append(f"{self.n_rejected:,} of {self.n_read:,} rows left out: {self._by_reason()}")
            told += [f"  {_place(row)}: {row.message}" for row in self.examples]
        told += [f"{text}: rows {note.n:,}, first {note.first}" for text, note in self.notes.items()]
        return told

    def _by_reason(self) -> str:
        counts = []
        for reason, n_rows in self.reasons.most_common():
            n_lines = self.lines[reason]
            counts.append(f"{reason} {n_rows:,}" + (f" ({n_lines:,} lines)" if n_lines != n_rows else ""))
        return ", ".join(counts)


def _place(row: RejectedRow) -> str:
    lines = f"lines {row.line} to {row.line + row.n_lines - 1}" if row.n_lines > 1 else f"line {row.line}"
    return f"{row.path}, {lines}" if row.path else lines
