"""Bounded set of ids, which drops the oldest."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, MutableSet
from typing import TypeVar

T = TypeVar("T")


class NewestIds(MutableSet[str]):
    """The last ids that were added, oldest first; one that is added again counts as new.

    >>> ids = NewestIds(2, ["a", "b", "a", "c"])
    >>> list(ids), "b" in ids
    (['a', 'c'], False)
    >>> sorted(ids | {"d"}), sorted(ids - {"a"})
    (['a', 'c', 'd'], ['c'])

    Parameters
    ----------
    limit
        Ids kept at most.
    """

    def __init__(self, limit: int, ids: Iterable[str] = ()) -> None:
        self._limit = limit
        # Of a plain dictionary the first entry is looked for behind all those that have gone.
        self._ids: OrderedDict[str, None] = OrderedDict()
        for id_ in ids:
            self.add(id_)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        """Return how many are kept now."""
        return len(self._ids)

    def add(self, value: str) -> None:
        """Add an id, and drop the oldest if there are too many then."""
        self._ids.pop(value, None)
        self._ids[value] = None
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)

    @classmethod
    def _from_iterable(cls, it: Iterable[T]) -> set[T]:
        # Of what is made of two sets, the bound of one says nothing.
        return set(it)

    def discard(self, value: str) -> None:
        """Remove an id if it is there."""
        self._ids.pop(value, None)
