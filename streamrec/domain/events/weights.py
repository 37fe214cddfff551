"""Weights of events: by their type, and by their value where a rule says so."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

_RULE = re.compile(r"(.*?)\s*(<=|>=|<|>)\s*(.*)", re.DOTALL)

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}

IMPRESSION = "impression"
"""Type of an event that says that an item was shown, usually of no weight."""

USUAL_WEIGHTS = {"impression": 0.0, "dislike": -1.0}
"""By type, where nobody says otherwise."""

RETRACT = "retract"
"""Type of an event that takes back all that its user said of its item so far: no choice, and no dislike."""

LESS = "less"
"""Type of an event that asks for less of what its item is like: a dislike of it, and fewer items that share
its categories or tags. Given a weight that is not negative it is a word like others."""


class _ValueRule(NamedTuple):
    compare: Callable[[float, float], bool]
    limit: float
    weight: float


class EventWeights:
    """Weights of events in learning.

    Positive: learned from, and seen. Zero: recorded only (an impression is not a choice).
    Negative: a dislike, after which the item is not offered to that user again unless they choose it later.
    `RETRACT` weighs nothing and can't be given a weight: what it does is not a matter of how much.

    Parameters
    ----------
    weights
        By type, or by a rule on the values of a type: ``rating<=2``, with ``<=``, ``>=``, ``<`` or ``>``. Of
        several rules of a type the first that fits counts; an event without a value fits none, and has the
        weight of its type.
    default
        Of types that are not named.

    Attributes
    ----------
    given, default
        The parameters.

    Raises
    ------
    ValueError
        When a rule names no type, or compares with what is no finite number, or a weight is for `RETRACT`.

    >>> weights = EventWeights({"view": 0.5, "dislike": -1.0, "rating<=2": -1.0, "rating<4": 0.0})
    >>> weights.of("view"), weights.of("purchase"), weights.of("dislike")
    (0.5, 1.0, -1.0)
    >>> [weights.of("rating", stars) for stars in (1, 2, 3, 4, None)]
    [-1.0, -1.0, 0.0, 1.0, 1.0]
    """

    def __init__(self, weights: Mapping[str, float], default: float = 1.0) -> None:
        self.given = dict(weights)
        self.default = default
        self._by_type: dict[str, float] = {LESS: -1.0}
        self._rules: dict[str, list[_ValueRule]] = {}
        if RETRACT in self.given:
            raise ValueError(f"{RETRACT!r} takes back what a user said of an item: it has no weight")
        for name, weight in weights.items():
            if (parts := _RULE.fullmatch(name)) is None:
                self._by_type[name] = weight
            else:
                event_type, comparison, limit = parts.groups()
                if event_type == RETRACT:
                    raise ValueError(f"{name!r}: {RETRACT!r} has no weight, whatever its value")
                rule = _ValueRule(_COMPARISONS[comparison], _limit_of(name, event_type, limit), weight)
                self._rules.setdefault(event_type, []).append(rule)

    @property
    def go_by_type(self) -> bool:
        """Whether all events of a type weigh the same."""
        return not self._rules

    def of(self, event_type: str, value: float | None = None) -> float:
        """Return the weight of an event."""
        if event_type == RETRACT:
            return 0.0
        if self._rules and value is not None:
            for rule in self._rules.get(event_type, ()):
                if rule.compare(value, rule.limit):
                    return rule.weight
        return self._by_type.get(event_type, self.default)


def _limit_of(rule: str, event_type: str, text: str) -> float:
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not event_type or not math.isfinite(limit):
        raise ValueError(f"{rule!r} is no rule; wanted is a type, a comparison and a number: rating<=2")
    return limit
