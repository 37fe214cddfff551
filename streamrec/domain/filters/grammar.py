"""Conditions as people write them: ``price<50``, ``category=Drama``, ``brand in (A, "B, C")``."""

import re
from typing import Final, cast

from streamrec.domain.filters.condition import Condition, Given, Operator
from streamrec.domain.filters.facts import ATTRIBUTES, CATEGORY, KIND, TITLE
from streamrec.errors import InvalidInput

MOST_GIVEN: Final = 100
"""Values that one condition lists."""

OWN_NAMES = {"category": CATEGORY, "categories": CATEGORY, "kind": KIND, "title": TITLE}
"""Names of what is no attribute."""

_BLANKS = re.compile(r"\s*")
_BARE_NAME = re.compile(r"[^\W\d][\w.-]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_OPERATOR = re.compile(r"!=|<=|>=|==|=|<|>|in(?![\w.-])")
_BARE_VALUE = re.compile(r'[^"\s].*', re.DOTALL)
_BARE_IN_LIST = re.compile(r'[^",()\s][^,()]*')

_OPERATORS = "=, !=, <, <=, >, >= or in"


def condition_of(text: str) -> Condition:
    """Return the condition that is written.

    Raises
    ------
    InvalidInput
        When it is none; the message says where, and what was expected there.

    >>> str(condition_of(' price <= 50 ')), condition_of('"in stock" = true').name
    ('price<=50', 'attributes.in stock')
    """
    return _Reader(text).condition()


class _Reader:
    """Reads one condition from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def condition(self) -> Condition:
        name = self._name()
        how = self._take(_OPERATOR)
        if how is None:
            raise self._expected(f"one of {_OPERATORS}")
        if how == "in":
            return Condition(name, "in", self._list())
        given = self._quoted()
        if given is None:
            bare = self._take(_BARE_VALUE)
            if bare is None:
                raise self._expected("a value")
            given = Given(bare.rstrip())
        self._end()
        return Condition(name, cast("Operator", "=" if how == "==" else how), (given,))

    def _name(self) -> str:
        quoted = self._quoted()
        if quoted is None:
            bare = self._take(_BARE_NAME)
            if bare is None:
                raise self._expected("the name of an attribute, in quotation marks if it is no single word")
            if bare.startswith(ATTRIBUTES) or bare in OWN_NAMES:
                return OWN_NAMES.get(bare, bare)
            return ATTRIBUTES + bare
        if not quoted.text:
            raise self._expected("a name that is not empty")
        return ATTRIBUTES + quoted.text

    def _list(self) -> tuple[Given, ...]:
        self._demand("(")
        given: dict[Given, None] = {}
        while True:
            one = self._quoted()
            if one is None:
                bare = self._take(_BARE_IN_LIST)
                if bare is None:
                    raise self._expected("a value")
                one = Given(bare.rstrip())
            given[one] = None
            if len(given) > MOST_GIVEN:
                raise self._expected(f"no more than {MOST_GIVEN} values")
            if self._take(re.compile(",")) is None:
                break
        self._demand(")")
        self._end()
        return tuple(given)

    def _quoted(self) -> Given | None:
        quoted = self._take(_QUOTED)
        if quoted is None:
            if self._text.startswith('"', self._at):
                raise self._expected("a closing quotation mark")
            return None
        return Given(_ESCAPED.sub(r"\1", quoted[1:-1]), is_quoted=True)

    def _demand(self, mark: str) -> None:
        if self._take(re.compile(re.escape(mark))) is None:
            raise self._expected(f"{mark!r}")

    def _end(self) -> None:
        self._skip_blanks()
        if self._at < len(self._text):
            raise self._expected("the end: further conditions are further parameters")

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        self._skip_blanks()
        found = pattern.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found[0]

    def _skip_blanks(self) -> None:
        blanks = _BLANKS.match(self._text, self._at)
        self._at = self._at if blanks is None else blanks.end()

    def _expected(self, what: str) -> InvalidInput:
        near = self._text[self._at : self._at + 20]
        where = f"{near!r}" if near else "the end"
        return InvalidInput(
            f"filter {self._text[:80]!r}: at character {self._at + 1} ({where}), expected is {what}"
        )
