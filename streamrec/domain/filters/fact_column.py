"""All values of one name, by the rows of the items that have them."""

from array import array
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.times import MAX_TIMESTAMP_S
from streamrec.domain.filters.condition import COMPARISONS, Condition, Operator
from streamrec.domain.filters.facts import Kind, Reading, reading_of

Rows = NDArray[np.int64]

Truths = NDArray[np.bool_]

_MOST_LOOKED_AT = 1000


class _Pairs(NamedTuple):
    """Rows and their values, in the order in which they were put in."""

    rows: "array[int]"
    values: "array[float]"

    def put(self, row: int, value: float) -> None:
        self.rows.append(row)
        self.values.append(value)

    def where(self, is_wanted: Callable[[NDArray[np.float64]], Truths]) -> Rows:
        """Return the rows whose values are wanted."""
        if not self.rows:
            return np.zeros(0, np.int64)
        # No array may outlive this: what it looks into could not grow meanwhile.
        rows = np.frombuffer(self.rows, np.int32)[is_wanted(np.frombuffer(self.values, np.float64))]
        return rows.astype(np.int64)

    def kept(self, new_rows: Rows) -> "_Pairs":
        """Return the pairs with other rows; those whose new row is negative are gone."""
        if not self.rows:
            return _no_pairs()
        rows = new_rows[np.frombuffer(self.rows, np.int32)]
        stays = rows >= 0
        values = np.frombuffer(self.values, np.float64)[stays]
        kept = _no_pairs()
        kept.rows.frombytes(rows[stays].astype(np.int32).tobytes())
        kept.values.frombytes(values.tobytes())
        return kept


def _no_pairs() -> _Pairs:
    return _Pairs(array("i"), array("d"))


class FactColumn:
    """Values of one name, each as every kind that it can be taken for; rows are only ever added."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts, self._numbers, self._truths, self._times = (_no_pairs() for _ in range(4))

    @property
    def n_values(self) -> int:
        """Number of values as each kind, those of rows that count no longer included."""
        return sum(len(pairs.rows) for pairs in (self._texts, self._numbers, self._truths, self._times))

    @property
    def texts(self) -> list[str]:
        """Return all texts that it ever held."""
        return list(self._codes)

    def kind(self) -> Kind | None:
        """Return the kind that all values are of; None where there is none such.

        Of many different texts the first are looked at.
        """
        pairs: dict[Kind, _Pairs] = {
            "number": self._numbers,
            "truth value": self._truths,
            "date": self._times,
        }
        kinds = [kind for kind, of_kind in pairs.items() if of_kind.rows]
        texts = (reading_of(text) for text in islice(self._codes, _MOST_LOOKED_AT))
        return kinds[0] if len(kinds) == 1 and all(text.is_a(kinds[0]) for text in texts) else None

    def of_other_kind(self, condition: Condition) -> str:
        """Return in words which value of a condition is not of the kind of all values here, if one is not."""
        kind = self.kind()
        if kind is None:
            return ""
        others = [given for given in condition.given if not given.reading.is_a(kind)]
        # As it is written: in quotation marks a number is a text.
        return f"{str(others[0])[:80]} is no {kind}" if others else ""

    def put(self, row: int, reading: Reading) -> None:
        """Add a value of a row."""
        if reading.text is not None:
            self._texts.put(row, self._codes.setdefault(reading.text, len(self._codes)))
        if reading.number is not None:
            self._numbers.put(row, reading.number)
        elif reading.time is not None:  # a number is its own time
            self._times.put(row, reading.time)
        if reading.truth is not None:
            self._truths.put(row, reading.truth)

    def fulfilling(self, condition: Condition) -> Rows:
        """Return rows one of whose values fulfils a condition; of `!=`, those that do not: the others."""
        wanted = [given.reading for given in condition.given]
        if condition.operator in COMPARISONS:
            return self._comparing(condition.operator, wanted[0])
        return np.concatenate([self._equal(one) for one in wanted])

    def newest_first(self, now: float) -> tuple[Rows, NDArray[np.float64]]:
        """Return rows and their times up to `now`, the latest first."""
        pairs = (self._numbers, self._times)
        # Joined, they are copies: no array may look into the pairs for longer.
        rows = np.concatenate([np.asarray(one.rows, np.int32) for one in pairs])
        times = np.concatenate([np.asarray(one.values, np.float64) for one in pairs])
        places = np.flatnonzero(_are_times(times, now))
        rows, times = rows[places].astype(np.int64), times[places]
        order = np.argsort(-times, kind="stable")
        return rows[order], times[order]

    def kept(self, new_rows: Rows) -> "FactColumn":
        """Return a column of the values of rows that stay, by their new rows; negative ones are gone."""
        kept = FactColumn()
        kept._numbers, kept._truths, kept._times = (
            pairs.kept(new_rows) for pairs in (self._numbers, self._truths, self._times)
        )
        texts = self._texts.kept(new_rows)
        by_code = self.texts
        for row, code in zip(texts.rows, texts.values, strict=True):
            text = by_code[int(code)]
            kept._texts.put(row, kept._codes.setdefault(text, len(kept._codes)))
        return kept

    def _equal(self, wanted: Reading) -> Rows:
        found = [np.zeros(0, np.int64)]
        if wanted.text is not None and (code := self._codes.get(wanted.text)) is not None:
            found.append(self._texts.where(lambda values: values == code))
        for pairs, value in ((self._numbers, wanted.number), (self._truths, wanted.truth)):
            if value is not None:
                found.append(_equal_to(pairs, float(value)))
        if wanted.time is not None:
            found += [_equal_to(self._times, wanted.time), _equal_to(self._numbers, wanted.time)]
        return np.concatenate(found)

    def _comparing(self, how: Operator, wanted: Reading) -> Rows:
        compare = COMPARISONS[how]
        if wanted.number is not None:
            number = wanted.number
            return self._numbers.where(lambda values: np.asarray(compare(values, number)))
        if wanted.time is not None:
            time = wanted.time
            of_times = self._times.where(lambda values: np.asarray(compare(values, time)))
            of_numbers = self._numbers.where(
                lambda values: np.asarray(compare(values, time)) & _are_times(values, MAX_TIMESTAMP_S)
            )
            return np.concatenate([of_times, of_numbers])
        fits = np.array([compare(text, wanted.text) for text in self._codes], np.bool_)
        return self._texts.where(lambda values: fits[values.astype(np.int64)])


def _equal_to(pairs: _Pairs, value: float) -> Rows:
    return pairs.where(lambda values: values == value)


def _are_times(values: NDArray[np.float64], end: float) -> Truths:
    return (values >= 0) & (values < MAX_TIMESTAMP_S) & (values <= end)
