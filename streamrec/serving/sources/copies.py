"""Copies inside the process of what is slow to read: bounded in number, each with the time it was read at."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Copy(NamedTuple, Generic[T]):
    """A value, and when it was read."""

    value: T
    read_at: float


class Copies(Generic[T]):
    """A bounded number of copies by name; those unused for longest go first. Whose they are minds their age.

    >>> copies = Copies[int](2)
    >>> copies.keep({"a": 1, "b": 2}, read_at=5.0)
    >>> copies.get("a")
    Copy(value=1, read_at=5.0)
    >>> copies.keep({"c": 3}, read_at=6.0)
    >>> copies.get("b") is None
    True
    """

    def __init__(self, max_copies: int) -> None:
        self._max_copies = max_copies
        self._copies: OrderedDict[str, Copy[T]] = OrderedDict()

    def get(self, name: str) -> Copy[T] | None:
        """Return a copy, which counts as used by that."""
        copy = self._copies.get(name)
        if copy is not None:
            self._copies.move_to_end(name)
        return copy

    def some(self, names: Iterable[str]) -> dict[str, Copy[T]]:
        """Return the copies that there are of these, which count as used by that."""
        copies, found = self._copies, dict[str, Copy[T]]()
        for name in names:
            copy = copies.get(name)
            if copy is not None:
                copies.move_to_end(name)
                found[name] = copy
        return found

    def keep(self, values: Mapping[str, T], read_at: float) -> None:
        """Keep values in place of older ones."""
        for name, value in values.items():
            self._copies[name] = Copy(value, read_at)
            self._copies.move_to_end(name)
        while len(self._copies) > self._max_copies:
            self._copies.popitem(last=False)

    def drop(self, names: Iterable[str]) -> None:
        """Forget these."""
        for name in names:
            self._copies.pop(name, None)

    def clear(self) -> None:
        """Forget all."""
        self._copies.clear()
