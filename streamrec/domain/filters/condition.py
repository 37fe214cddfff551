"""Conditions on what is known of an item."""

import operator
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, Literal

import msgspec

from streamrec.domain.filters.facts import Reading, facts_of, reading_of
from streamrec.domain.items.item import Item

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in"]

COMPARISONS: dict[Operator, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Given(msgspec.Struct, frozen=True, dict=True):
    """A value that a condition names.

    Attributes
    ----------
    is_quoted
        It is a text, whatever it looks like.
    """

    text: str
    is_quoted: bool = False

    # Each item that is looked at is compared with it.
    @cached_property
    def reading(self) -> Reading:
        """The value as each kind that it can be taken for."""
        return Reading(self.text) if self.is_quoted else reading_of(self.text)

    def __str__(self) -> str:
        """Return the value as people write it."""
        return f'"{self.text}"' if self.is_quoted else self.text


class Condition(msgspec.Struct, frozen=True):
    """One condition; an item that has several values of the name fulfils it if one of them does.

    Attributes
    ----------
    name
        Of the fact, as `facts_of` has it.
    given
        One value; several for `in`.

    >>> all_hold([Condition("attributes.price", "<", (Given("50"),))], Item("i", attributes={"price": 9.5}))
    True
    >>> all_hold([Condition("attributes.status", "!=", (Given("sold"),))], Item("i"))
    True
    """

    name: str
    operator: Operator
    given: tuple[Given, ...]

    def holds(self, readings: Sequence[Reading]) -> bool:
        """Return whether values of the name fulfil it; no value fulfils only `!=`."""
        wanted = [given.reading for given in self.given]
        if self.operator in COMPARISONS:
            return any(compares(one, self.operator, wanted[0]) for one in readings)
        has_one = any(equals(one, other) for one in readings for other in wanted)
        return has_one != (self.operator == "!=")

    def __str__(self) -> str:
        """Return the condition as people write it."""
        name = self.name.removeprefix("attributes.")
        if self.operator == "in":
            return f"{name} in ({', '.join(map(str, self.given))})"
        return f"{name}{self.operator}{self.given[0]}"


Conditions = tuple[Condition, ...]


def all_hold(conditions: Collection[Condition], item: Item) -> bool:
    """Return whether an item fulfils all conditions."""
    facts = list(facts_of(item))
    return all(
        condition.holds([reading_of(value) for name, value in facts if name == condition.name])
        for condition in conditions
    )


def equals(value: Reading, wanted: Reading) -> bool:
    """Return whether a value is the one that is wanted, in some reading of both.

    >>> equals(reading_of("1995"), reading_of("1995.0")), equals(reading_of(True), reading_of("true"))
    (True, True)
    """
    return any(one is not None and one == other for one, other in zip(value, wanted, strict=True))


def compares(value: Reading, how: Operator, wanted: Reading) -> bool:
    """Return whether a value compares so with what is wanted: as numbers, as times, or else as texts."""
    compare = COMPARISONS[how]
    for kind in (1, 3, 0):
        if wanted[kind] is not None:
            return value[kind] is not None and bool(compare(value[kind], wanted[kind]))
    return False
