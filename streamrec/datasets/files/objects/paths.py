"""Values within objects, by names with points between, and values that MongoDB's exports wrap."""

from collections.abc import Iterator, Mapping
from typing import Any

_MOST_LEVELS = 4
_NUMBERS = ("$numberLong", "$numberInt", "$numberDouble", "$numberDecimal")


def value_at(row: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - whatever stands there
    """Return what a row has under a name, or under a path such as ``product.sku``; None: nothing.

    Of a list of one object the path goes on in that.

    >>> value_at({"a": {"b": 1}, "a.c": 2}, "a.b"), value_at({"a.c": 2}, "a.c")
    (1, 2)
    >>> value_at({"a": [{"b": 3}]}, "a.b"), value_at({"a": [{"b": 3}, {"b": 4}]}, "a.b")
    (3, [3, 4])
    """
    if name in row or "." not in name:
        return row.get(name)
    first, _, rest = name.partition(".")
    inner = row.get(first)
    if isinstance(inner, list):
        if len(inner) > 1 and all(isinstance(one, Mapping) for one in inner):
            return [value_at(one, rest) for one in inner]
        inner = inner[0] if inner else None
    return value_at(inner, rest) if isinstance(inner, Mapping) else None


def paths_in(row: Mapping[str, Any], levels: int = _MOST_LEVELS) -> Iterator[str]:
    """Yield the names of a row, and the paths of what its objects hold.

    >>> list(paths_in({"a": {"b": 1}, "c": [{"d": 1}], "e": 1}))
    ['a', 'a.b', 'c', 'c.d', 'e']
    """
    for name, value in row.items():
        yield name
        if isinstance(value, list) and value:
            value = value[0]  # noqa: PLW2901 - the first one stands for all
        if isinstance(value, Mapping) and levels > 1:
            yield from (f"{name}.{inner}" for inner in paths_in(value, levels - 1))


def without_wrapping(value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    """Return a value as it is without MongoDB's extended JSON.

    >>> without_wrapping({"_id": {"$oid": "a"}, "n": {"$numberLong": "5"}, "at": {"$date": "2024-01-01"}})
    {'_id': 'a', 'n': 5, 'at': '2024-01-01'}
    >>> without_wrapping({"$date": {"$numberLong": "1700000000500"}})
    1700000000.5
    """
    if isinstance(value, list):
        return [without_wrapping(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, inner),) = value.items()
        if name in ("$oid", "$uuid", "$symbol") and isinstance(inner, str):
            return inner
        if name in _NUMBERS and isinstance(inner, str):
            return _number(inner)
        if name == "$date":
            inner = without_wrapping(inner)
            return inner / 1000 if isinstance(inner, int | float) else inner
    return {name: without_wrapping(inner) for name, inner in value.items()}


def _number(text: str) -> float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
