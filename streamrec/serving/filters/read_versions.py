"""Versions of items that were read of a store lately: to see without reading whether others came between."""

from collections import Counter, OrderedDict
from collections.abc import Iterable

from streamrec.domain.items.item import ItemPosition, VersionSum

FORGOTTEN_AT_ONCE = 300
"""Less than a millisecond, for which every answer waits."""


class ReadVersions:
    """Counts items by the versions in which they were read, each item once.

    >>> versions = ReadVersions()
    >>> versions.note([ItemPosition(5, b"a"), ItemPosition(5, b"b"), ItemPosition(7, b"a")])
    >>> [tuple(versions.between(*ends)) for ends in ((5, 7), (6, 9), (0, 4))]
    [(2, 2), (1, 1), (0, 0)]
    """

    def __init__(self) -> None:
        # Not a dict: to find its first key takes the longer the more were taken out before it.
        self._version_of: OrderedDict[bytes, int] = OrderedDict()
        self._n_of: Counter[int] = Counter()

    def note(self, places: Iterable[ItemPosition]) -> None:
        """Note items that were just read, in their order."""
        for version, key in places:
            before = self._version_of.pop(key, None)
            if before is not None:
                self._take(before)
            self._version_of[key] = version
            self._n_of[version] += 1

    def between(self, first: int, last: int) -> VersionSum:
        """Sum up the items that were read in these versions, both included."""
        within = [(version - first, n) for version, n in self._n_of.items() if first <= version <= last]
        return VersionSum(sum(n for _, n in within), sum(after * n for after, n in within))

    def forget_before(self, version: int) -> bool:
        """Forget some of those read first, of versions before one; return whether that was all."""
        for _ in range(FORGOTTEN_AT_ONCE):
            key = next(iter(self._version_of), None)
            if key is None or self._version_of[key] >= version:
                return True
            self._take(self._version_of.pop(key))
        return False

    def _take(self, version: int) -> None:
        self._n_of[version] -= 1
        if not self._n_of[version]:
            del self._n_of[version]
