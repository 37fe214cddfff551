"""Values of items as exports write them: numbers as titles, lists in lists, lists as texts."""

import ast
import json
from collections.abc import Mapping
from typing import Any

from streamrec.datasets.files.text_columns import parts_of_list, truth_of
from streamrec.domain.events.values import NULL_MARKERS

_NAMES = ("name", "title", "label", "id")  # of a category that is an object
_MOST_LETTERS = 10_000


def text_of(value: Any) -> Any:  # noqa: ANN401 - what is no text in any way is left as it stands
    r"""Return a title or a text: numbers as they are written, parts of a list on lines.

    >>> text_of(2012), text_of(["a", "b"]), text_of("x"), text_of([{}])
    ('2012', 'a\nb', 'x', [{}])
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "\n".join(value)
    return value


def categories_of(value: Any, separator: str) -> Any:  # noqa: ANN401 - see `text_of`
    """Return categories as a list of texts, as far as they are one.

    >>> categories_of([["Books", "Fiction"], [{"id": 3, "name": "Home"}], None, 7], "|")
    ['Books', 'Fiction', 'Home', '7']
    >>> categories_of("['Drama', 'Crime']", "|"), categories_of("a|b", "|"), categories_of("[]", "|")
    (['Drama', 'Crime'], ['a', 'b'], [])
    """
    if isinstance(value, str):
        listed = _listed(value)
        return parts_of_list(value, separator) if listed is None else categories_of(listed, separator)
    if isinstance(value, Mapping):
        value = next((value[name] for name in _NAMES if name in value), value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [str(value)]
    if not isinstance(value, list):
        return value
    found: list[Any] = []
    for part in value:
        if isinstance(part, str) or part is None:
            found += [] if part is None else [part]
        else:
            inner = categories_of(part, separator)
            found += inner if isinstance(inner, list) else [inner]
    return found


def truth_in(value: Any) -> Any:  # noqa: ANN401 - see `text_of`
    """Return a truth value that is written as a text or a number; None: it is not known.

    >>> truth_in("Yes"), truth_in(0.0), truth_in("NULL"), truth_in("perhaps")
    (True, False, None, 'perhaps')
    """
    if isinstance(value, float) and value in (0.0, 1.0):
        return bool(value)
    if isinstance(value, str):
        if value in NULL_MARKERS:
            return None
        truth = truth_of(value)
        return value if truth is None else truth
    return value


def attributes_of(value: Any) -> Any:  # noqa: ANN401 - see `text_of`
    """Return attributes, also those of an object that is written as a text.

    >>> attributes_of('{"a": 1}'), attributes_of("red")
    ({'a': 1}, 'red')
    """
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _listed(text: str) -> list[Any] | None:
    """Return the list that a text is, in JSON or as Python writes it."""
    text = text.strip()
    if not text.startswith("[") or not text.endswith("]") or len(text) > _MOST_LETTERS:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            listed = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        return listed if isinstance(listed, list) else None
    return None
