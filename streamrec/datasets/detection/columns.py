"""Columns of a file, asked for what they could be."""

import re
from collections.abc import Callable, Collection
from typing import Any

from streamrec.datasets.detection.agreement import ids_in
from streamrec.datasets.detection.layout import Layout
from streamrec.datasets.detection.times import TimesFound, times_in, told_times
from streamrec.datasets.files.text_columns import amount_of, number_of

_LONGEST_ID = 64
_ID_WITH_POINT = re.compile(
    r"\.(0|1\d{9})$"
)  # a whole float, or a client of Google Analytics: 812.1700000000


class Columns:
    """Columns of a file, asked for what they could be."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.n_rows = len(layout.rows)
        self.names = list(layout.columns)
        self._values = {name: layout.values_of(name) for name in self.names}
        self._times: dict[tuple[str, bool], TimesFound | None] = {}

    def values(self, column: str) -> list[Any]:
        """Return what stands in a column, empty fields left out."""
        return self._values[column]

    def share_filled(self, column: str) -> float:
        """Return the share of rows in which it is not empty."""
        return len(self._values[column]) / self.n_rows

    def share_distinct(self, column: str) -> float:
        """Return how many different values there are, by value."""
        values = list(map(str, self._values[column]))
        return len(set(values)) / len(values) if values else 0.0

    def times(self, column: str, *, is_named: bool) -> TimesFound | None:
        """Return the form of its times; None: it has none."""
        key = column, is_named
        if key not in self._times:
            how, values = self._layout.reading, self._values[column]
            self._times[key] = (
                times_in(values, how.decimal, is_named=is_named)
                if how.time_format is None
                else told_times(values, how.time_format, how.decimal)
            )
        return self._times[key]

    def share_of(self, column: str, fits: Callable[[str], object]) -> float:
        """Return the share of its values that fit."""
        values = self._values[column]
        return sum(bool(fits(str(value))) for value in values) / len(values) if values else 0.0

    def share_of_ids(self, column: str, known: Collection[str]) -> float:
        """Return the share of its values that are ids which are known."""
        ids = ids_in(self._values[column])
        return sum(id_ in known for id_ in ids) / len(ids) if ids else 0.0

    def share_numbers(self, column: str) -> float:
        """Return the share of its values that are numbers."""
        decimal = self._layout.reading.decimal
        return self.share_of(column, lambda text: number_of(amount_of(text, decimal)) is not None)

    def could_be_ids(self, column: str) -> float:
        """Return the share of its values that could name somebody or something; 0: they don't."""
        texts = list(map(str, self._values[column]))
        n_odd = sum(isinstance(value, list | dict | bool) for value in self._values[column])
        if not texts:
            return 0.0
        n_fractions = sum(
            "." in text and text.replace(".", "", 1).isdigit() and not _ID_WITH_POINT.search(text)
            for text in texts
        )
        n_long = sum(len(text) > _LONGEST_ID for text in texts)
        n_bad = max(n_fractions, n_long, n_odd)
        return 0.0 if n_bad > 0.5 * len(texts) else self.share_filled(column) * (1 - n_bad / len(texts))
