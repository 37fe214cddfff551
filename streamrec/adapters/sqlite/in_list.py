"""``IN`` lists of any length from a few prepared statements."""

from collections.abc import Sequence
from functools import cache


def in_list(values: Sequence[str]) -> tuple[str, tuple[str | None, ...]]:
    """Return the list's SQL and its parameters, at most 32,766 (SQLite's limit).

    The length is rounded up to a power of two, so that SQLite prepares a dozen statements, not a thousand;
    NULL, which fills the rest, equals nothing. (``json_each`` would need one statement, but it cuts a text
    at its first NUL.)

    >>> in_list(["a", "b", "c"])
    ('(?,?,?,?)', ('a', 'b', 'c', None))
    """
    size = 1 << max(len(values) - 1, 0).bit_length()
    return _marks(size), (*values, *(None,) * (size - len(values)))


@cache
def _marks(size: int) -> str:
    return f"({','.join('?' * size)})"
