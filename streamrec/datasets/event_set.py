"""Events in memory: columns sorted by time, about 45 bytes an event, each distinct id stored once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from streamrec.datasets.files.read_report import ReadReport
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import RETRACT
from streamrec.domain.items.item import Item

_ITERATION_BLOCK = 8192  # columns become Python lists so many rows at a time: fast, and bounded


class CodedColumn(NamedTuple):
    """A column of N strings: `names[codes[n]]` is the n-th.

    Attributes
    ----------
    codes
        (N,) int32.
    names
        The distinct strings in the order in which the file first shows them; a slice keeps all of them.
    """

    codes: NDArray[np.int32]
    names: Sequence[str]

    def tolist(self) -> list[str]:
        """Return the N strings."""
        names = self.names
        return [names[code] for code in self.codes.tolist()]


@dataclass(frozen=True, eq=False)
class EventSet(Sequence[Interaction]):
    """N events sorted by time (those of one moment in the file's order), read as `Interaction` or by column.

    A slice is an `EventSet` over the same memory and the same codes.

    Attributes
    ----------
    name
        Where they come from; also the beginning of the event ids made up for a source that brings none.
    users, items, types
        Coded columns of N strings.
    timestamps
        (N,) float64 Unix seconds, never falling.
    values
        (N,) float64, NaN where an event has none.
    lines
        (N,) int64 line in the source: with `name` it makes an event id that is the same at every reading.
    given_ids
        (N,) event ids (or None) where the source brings its own.
    catalog
        Metadata of the items, as far as it is known.
    content_hash
        SHA-256 of the source (hex), for lineage; the same for a slice.
    report
        What the reading met.
    """

    name: str
    users: CodedColumn
    items: CodedColumn
    types: CodedColumn
    timestamps: NDArray[np.float64]
    values: NDArray[np.float64]
    lines: NDArray[np.int64]
    given_ids: NDArray[np.object_] | None = None
    catalog: Sequence[Item] = ()
    content_hash: str = ""
    report: ReadReport = field(default_factory=ReadReport)

    def __len__(self) -> int:
        """Return N."""
        return len(self.timestamps)

    @overload
    def __getitem__(self, index: int) -> Interaction: ...
    @overload
    def __getitem__(self, index: slice) -> "EventSet": ...
    def __getitem__(self, index: int | slice) -> "Interaction | EventSet":
        if isinstance(index, slice):
            return self._take(index)
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        position = index % len(self)
        return next(iter(self._take(slice(position, position + 1))))

    def __iter__(self) -> Iterator[Interaction]:
        for start in range(0, len(self), _ITERATION_BLOCK):
            block = self._take(slice(start, start + _ITERATION_BLOCK))
            columns = block.users, block.items, block.timestamps, block.types, block.values
            rows = zip(*(column.tolist() for column in columns), block.event_ids(), strict=True)
            for user_id, item_id, timestamp, type_, value, event_id in rows:
                # A NaN is the only float that is not equal to itself.
                yield Interaction(
                    user_id,
                    item_id=item_id,
                    timestamp=timestamp,
                    type=type_,
                    value=value if value == value else None,  # noqa: PLR0124
                    event_id=event_id,
                )

    def event_ids(self) -> list[str]:
        """Return N ids, given by the source or made of its name and the line: the same at every reading."""
        if self.given_ids is None:
            return [f"{self.name}:{line}" for line in self.lines.tolist()]
        return [
            f"{self.name}:{line}" if given is None else given
            for given, line in zip(self.given_ids.tolist(), self.lines.tolist(), strict=True)
        ]

    def split_at(self, fraction: float) -> int:
        """Return the position of the first event after this fraction: training and replay agree on it."""
        if not 0 <= fraction <= 1:
            raise ValueError(f"a fraction is between 0 and 1, not {fraction}")
        return round(len(self) * fraction)

    def sorted_by_time(self) -> "EventSet":
        """Return the same events in order of time; equal times keep their order."""
        if len(self) < 2 or not (np.diff(self.timestamps) < 0).any():
            return self
        return self._take(np.argsort(self.timestamps, kind="stable"))

    def where(self, is_kept: NDArray[np.bool_]) -> "EventSet":
        """Return the events that (N,) flags keep."""
        return self._take(np.flatnonzero(is_kept))

    def without_retracted(self) -> "EventSet":
        """Return the events that no later one takes back, without those that do."""
        is_retraction = self.types.codes == [*self.types.names, RETRACT].index(RETRACT)
        if not is_retraction.any():
            return self
        pairs = (self.users.codes.astype(np.int64) << 32) | self.items.codes
        positions = np.flatnonzero(is_retraction)
        retracted, places = np.unique(pairs[positions], return_inverse=True)
        newest = np.zeros(len(retracted), np.int64)
        np.maximum.at(newest, places, positions)
        of_pair = np.minimum(np.searchsorted(retracted, pairs), len(retracted) - 1)
        is_gone = (retracted[of_pair] == pairs) & (np.arange(len(self)) < newest[of_pair])
        return self._take(np.flatnonzero(~is_gone & ~is_retraction))

    def _take(self, index: slice | NDArray[np.int64]) -> "EventSet":
        return replace(
            self,
            users=CodedColumn(self.users.codes[index], self.users.names),
            items=CodedColumn(self.items.codes[index], self.items.names),
            types=CodedColumn(self.types.codes[index], self.types.names),
            timestamps=self.timestamps[index],
            values=self.values[index],
            lines=self.lines[index],
            given_ids=None if self.given_ids is None else self.given_ids[index],
        )
