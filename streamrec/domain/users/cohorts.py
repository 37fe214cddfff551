"""Cohorts: people who have a value of an attribute in common."""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple
from zlib import crc32

MOST_COHORTS = 8
"""Of a user: those of the attributes that stand first."""

_MOST_OF_ONE = 4
"""Values of one attribute, where it is a list."""

_MOST_LOOKED_AT = 64
"""Attributes, and values of a list, that are looked at: a user may have a megabyte of them."""

_LONGEST = 64
"""Characters of a name or a value; longer ones are texts, which hardly anybody shares."""

_LARGEST_EXACT = 10
"""Whole numbers up to here are each a value of their own: a grade, a tariff, a number of children."""

_SMALLEST, _LARGEST = 2.0**-20, 2.0**60

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")


class CohortRules(NamedTuple):
    """Rules by which cohorts are counted; see `CohortSettings`."""

    attributes: frozenset[str] = frozenset()
    max_cohorts: int = 200
    half_life_s: float = 30 * 86_400.0
    least_people: int = 10


class Cohort(NamedTuple):
    """People with a value of an attribute.

    Attributes
    ----------
    token
        31 bits, made of the attribute and the value, so that nobody has to agree on it, no list of names
        grows, and no value stands in the name of a ranking.
    value
        As it is compared: without capitals; of a number, the range that it lies in.
    """

    token: int
    attribute: str
    value: str


def cohorts_of(attributes: Mapping[str, Any], counted: Collection[str] = ()) -> tuple[Cohort, ...]:
    """Return up to `MOST_COHORTS` cohorts that somebody with these attributes belongs to.

    Texts and truth values count as they are, and each value of a list. Numbers count by half octaves (16 to
    22.6, 22.6 to 32, 32 to 45.3, ...), so that there is no cohort to every age; whole ones up to 10 each by
    itself. Objects count nothing, nor do long texts.

    Parameters
    ----------
    counted
        Names of attributes that count; empty: all do.

    >>> [(cohort.attribute, cohort.value) for cohort in cohorts_of({"job": "Nurse", "age": 24, "vip": True})]
    [('job', 'nurse'), ('age', '22.63..32'), ('vip', 'true')]
    """
    found: dict[int, Cohort] = {}
    for attribute, given in islice(attributes.items(), _MOST_LOOKED_AT):
        if not attribute or len(attribute) > _LONGEST or (counted and attribute not in counted):
            continue
        for value in islice(_values_of(given), _MOST_OF_ONE):
            token = token_of(f"{attribute}\0{value}")
            found.setdefault(token, Cohort(token, attribute, value))
    return tuple(islice(found.values(), MOST_COHORTS))


def token_of(text: str) -> int:
    """Return a number above 0 in the place of a text, the same in every process."""
    return max(1, crc32(text.encode("utf-8", "backslashreplace")) >> 1)


def _values_of(given: object) -> Iterator[str]:
    values: Sequence[object] = given[:_MOST_LOOKED_AT] if isinstance(given, list | tuple) else [given]
    return (value for one in values if (value := _value_of(one)))


def _value_of(given: object) -> str:
    """Return a value as it is compared; nothing where it is none."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float):
        return _range_of(given)
    if not isinstance(given, str) or len(given) > _LONGEST:
        return ""
    text = given.strip().casefold()
    return _range_of(float(text)) if _NUMBER.fullmatch(text) else text


def _range_of(number: float) -> str:
    """Return the half octave that a number lies in.

    >>> [_range_of(number) for number in (3, 18, 1e-9, -20.5, math.nan, 10**400)]
    ['3', '16..22.63', '0', '-16..22.63', '', '']
    """
    try:
        size = abs(float(number))
    except OverflowError:
        return ""
    if not math.isfinite(size):
        return ""
    sign = "-" if number < 0 else ""
    if size <= _LARGEST_EXACT and size == int(size):
        return f"{sign}{size:.0f}"
    if size < _SMALLEST:
        return "0"
    half_octave = math.floor(2 * math.log2(min(size, _LARGEST)))
    return f"{sign}{2 ** (half_octave / 2):.4g}..{2 ** ((half_octave + 1) / 2):.4g}"
