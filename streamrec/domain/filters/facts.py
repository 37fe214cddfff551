"""Facts about an item that filters go by: named values, each a text, a number or a truth."""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal, NamedTuple

from streamrec.domain.events.times import MAX_TIMESTAMP_S, BadTime, seconds_of
from streamrec.domain.items.item import Item

CATEGORY, KIND, TITLE = "category", "kind", "title"

ATTRIBUTES = "attributes."
"""Before the name of what stands in an item's attributes."""

MOST_FACTS = 100
"""Of one item; the first ones count."""

MOST_CHARACTERS = 256
"""Of a text, and of a name; longer ones are no facts: they are there to be read."""

_DEEPEST = 4
"""Objects within one another whose fields have names: `brand.country`."""

Value = str | float | bool

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T\s].*)?", re.ASCII)
_TRUTHS = {"true": True, "false": False}


Kind = Literal["number", "truth value", "date"]


class Reading(NamedTuple):
    """A value as each kind that it can be taken for; None where it can't.

    Attributes
    ----------
    time
        Unix seconds.
    """

    text: str | None = None
    number: float | None = None
    truth: bool | None = None
    time: float | None = None

    def is_a(self, kind: Kind) -> bool:
        """Return whether it is of a kind; a number is no date, though it may be one in Unix seconds.

        >>> reading_of("1990").is_a("date"), reading_of("1990-01-01").is_a("date")
        (False, True)
        """
        if kind == "number":
            return self.number is not None
        if kind == "truth value":
            return self.truth is not None
        return self.time is not None and self.number is None


def reading_of(value: Value) -> Reading:
    """Return a value as each kind that it can be taken for: in files, numbers and dates are texts.

    >>> reading_of("12.50").number, reading_of("TRUE").truth, reading_of("2024-03-10").time
    (12.5, True, 1710028800.0)
    >>> reading_of(True).number is None, reading_of(1710028800).time
    (True, 1710028800.0)
    """
    if isinstance(value, bool):
        return Reading(truth=value)
    if not isinstance(value, str):
        return Reading(number=float(value), time=_time_at(float(value)))
    number = float(value) if _NUMBER.fullmatch(value) else math.inf
    if math.isfinite(number):
        return Reading(value, number, time=_time_at(number))
    return Reading(value, truth=_TRUTHS.get(value.casefold()), time=_time_of(value))


def _time_at(number: float) -> float | None:
    return number if 0 <= number < MAX_TIMESTAMP_S else None


def _time_of(text: str) -> float | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return seconds_of(text)
    except (BadTime, OverflowError):
        return None


def facts_of(item: Item) -> list[tuple[str, Value]]:
    """Return (name, value) of an item: its categories, kind, title, and what its attributes hold.

    Attributes within others are named by their path; each value of a list is a fact.

    >>> facts_of(Item("i", kind="film", attributes={"price": 9, "brand": {"name": "B"}, "sizes": ["S", "M"]}))
    [('kind', 'film'), ('attributes.price', 9), ('attributes.brand.name', 'B'), ('attributes.sizes', 'S'), \
('attributes.sizes', 'M')]
    """
    own = [(CATEGORY, name) for name in item.categories]
    own += [(name, text) for name, text in ((KIND, item.kind), (TITLE, item.title)) if text is not None]
    every = (*own, *_within(ATTRIBUTES, item.attributes, _DEEPEST))
    return list(islice((fact for fact in every if _is_fact(*fact)), MOST_FACTS))


def _within(path: str, values: Mapping[str, Any], n_levels: int) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        for one in value if isinstance(value, list) else (value,):
            if not isinstance(one, dict):
                yield path + name, one
            elif n_levels > 1:
                yield from _within(f"{path}{name}.", one, n_levels - 1)


def _is_fact(name: str, value: object) -> bool:
    if len(name) > MOST_CHARACTERS + len(ATTRIBUTES):
        return False
    if isinstance(value, str):
        return len(value) <= MOST_CHARACTERS
    # JSON has numbers that are larger than any float.
    return isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < 1e308)
