"""Labels of users: a bounded number of categories and tags each, with counts and mean values."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.lightest import compete, one_of_each_set
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored
from streamrec.domain.users.user import LabelUse
from streamrec.errors import UnfitState

N_LABELS = 8
"""Labels of a user: 16 bytes each, 128 a user."""

_NONE = -1

_LEAST_NAMES = 1000
"""Names of labels that are kept, used or not: below it nothing is looked through."""

_LARGEST_VALUE = 1e30
"""No price and no time is larger, and a mean of larger ones would leave the range of float32."""

Rows = NDArray[np.int64]


class UserLabels(StatePart):
    """The labels that users meet most often, in memory that does not grow with the number of labels.

    Names are kept of labels that users have, and of as many others at most.

    In a full row newcomers compete for the lightest slot, see `streamrec.domain.rows.lightest`: a count is
    never too large, and exact for a user of at most `N_LABELS` labels. Means are over the values since the
    label came in. Rows are allocated as far as there are users with labels: a stream of items without any
    costs nothing.

    >>> labels = UserLabels()
    >>> labels.count(np.array([0, 0]), [("war", "drama"), ("war",)], np.array([30.0, np.nan]))
    >>> of_first, of_another = labels.of(np.array([0, 7]))
    >>> [(use.name, use.n_events, use.mean_value) for use in of_first], of_another
    ([('war', 2, 30.0), ('drama', 1, 30.0)], ())
    """

    def __init__(self) -> None:
        self._names = IdMap()
        self._sweep_at = _LEAST_NAMES
        self._labels = np.zeros((0, N_LABELS), np.int32)
        self._n_events = np.zeros((0, N_LABELS), np.int32)
        self._n_values = np.zeros((0, N_LABELS), np.int32)
        self._means = np.zeros((0, N_LABELS), np.float32)

    def count(self, users: Rows, labels: Sequence[Sequence[str]], values: NDArray[np.float64]) -> None:
        """Count B events.

        Parameters
        ----------
        users
            (B,) user rows, of which some may be the same.
        labels
            Of each event's item, each once.
        values
            (B,) the events' values, NaN where one has none.
        """
        sizes = np.fromiter(map(len, labels), np.int64, len(labels))
        if not sizes.any():
            return
        if len(self._names) >= self._sweep_at:
            self._forget_unused()
        names = list(chain.from_iterable(labels))
        self._grow_to(int(users[sizes > 0].max()) + 1)
        bounded = np.clip(values, -_LARGEST_VALUE, _LARGEST_VALUE)
        rows = self._names.rows_of(names, add=True)
        self._add(_summed(users.repeat(sizes), rows, bounded.repeat(sizes)))

    def take_back(self, users: Rows, labels: Sequence[Sequence[str]], n_events: Rows) -> None:
        """Take back (R,) numbers of events of users with items of these labels; means stay as they are."""
        for user, own, n in zip(users.tolist(), labels, n_events.tolist(), strict=True):
            if not n or user >= len(self._labels):
                continue
            slots = np.flatnonzero(np.isin(self._labels[user], list(self._names.known_rows(own))))
            left = np.maximum(self._n_events[user, slots] - n, 0)
            self._n_events[user, slots] = left
            self._n_values[user, slots] = np.minimum(self._n_values[user, slots], left)
            self._labels[user, slots[left == 0]], self._means[user, slots[left == 0]] = _NONE, 0

    def of(self, users: Rows) -> list[tuple[LabelUse, ...]]:
        """Return the labels of (B,) users, most events first."""
        found: list[tuple[LabelUse, ...]] = [()] * len(users)
        known = np.flatnonzero(users < len(self._labels))
        rows = users[known]
        order = np.argsort(-self._n_events[rows], axis=1, kind="stable")
        labels, n_events, n_values, means = (
            np.take_along_axis(table[rows], order, axis=1)
            for table in (self._labels, self._n_events, self._n_values, self._means)
        )
        is_taken = n_events > 0
        given = _six_digits(means).astype(object)
        given[n_values == 0] = None
        names = map(self._names.id_at, labels[is_taken].tolist())
        uses = list(map(LabelUse, names, n_events[is_taken].tolist(), given[is_taken].tolist()))  # type: ignore[arg-type]
        ends = np.cumsum(is_taken.sum(axis=1)).tolist()
        for at, start, end in zip(known.tolist(), [0, *ends], ends, strict=False):
            found[at] = tuple(uses[start:end])
        return found

    def forget_users(self, rows: Rows) -> None:
        """Clear users' rows for the next ones."""
        known = rows[rows < len(self._labels)]
        self._labels[known] = _NONE
        self._n_events[known] = self._n_values[known] = 0
        self._means[known] = 0

    def entries(self) -> list[str | None]:
        """Return the names of labels in row order, None where a row is free."""
        return self._names.by_row()

    def load_entries(self, entries: Iterable[str | None]) -> None:
        """Take over the names of labels."""
        self._names = IdMap(entries)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state but for the names, for a checkpoint: only the slots that are taken."""
        is_taken = self._n_events > 0
        return {
            "n_labels": is_taken.sum(axis=1, dtype=np.int32),
            "labels": self._labels[is_taken],
            "n_events": self._n_events[is_taken],
            "n_values": self._n_values[is_taken],
            "means": self._means[is_taken],
        }

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned; the names were loaded before."""
        sizes = stored(arrays, "n_labels", np.int64, None)
        n_entries = int(sizes.sum())
        if sizes.max(initial=0) > N_LABELS or sizes.min(initial=0) < 0:
            raise UnfitState(f"n_labels goes up to {sizes.max()}, not {N_LABELS}")
        columns = (
            stored(arrays, "labels", np.int32, n_entries),
            stored(arrays, "n_events", np.int32, n_entries),
            stored(arrays, "n_values", np.int32, n_entries),
            stored(arrays, "means", np.float32, n_entries),
        )
        if columns[0].max(initial=_NONE) >= self._names.n_rows:
            raise UnfitState("a label has no name")
        self._grow_to(len(sizes))
        is_taken = np.zeros((len(self._labels), N_LABELS), np.bool_)
        is_taken[: len(sizes)] = np.arange(N_LABELS) < sizes[:, None]
        tables = (self._labels, self._n_events, self._n_values, self._means)
        for table, column in zip(tables, columns, strict=True):
            table[is_taken] = column

    def _forget_unused(self) -> None:
        """Let the names go that no user has any more: a catalogue may make new ones for ever."""
        is_empty = self._n_events == 0
        self._labels[is_empty] = _NONE  # a name that gets a released row must not be found here
        self._n_values[is_empty] = 0
        self._means[is_empty] = 0
        used = set(np.unique(self._labels).tolist())
        for row, name in enumerate(self._names.by_row()):
            if name is not None and row not in used:
                self._names.release(name)
        self._sweep_at = max(_LEAST_NAMES, 2 * len(self._names))

    def _grow_to(self, n_users: int) -> None:
        self._labels = grown(self._labels, n_users, fill=_NONE)
        self._n_events = grown(self._n_events, n_users)
        self._n_values = grown(self._n_values, n_users)
        self._means = grown(self._means, n_users)

    def _add(self, uses: "_Uses") -> None:
        is_here = self._labels[uses.users] == uses.labels.astype(np.int32)[:, None]
        # A label stands in one slot of a row at most, so these are uses and slots at once.
        found = np.flatnonzero(is_here)
        known = found // N_LABELS
        slots = uses.users[known] * N_LABELS + found % N_LABELS
        self._n_events.reshape(-1)[slots] += uses.n_events[known]
        self._note_values(slots, uses.at(known))
        if len(known) < len(uses.users):
            self._admit(uses.at(np.flatnonzero(~is_here.any(axis=1))))

    def _note_values(self, slots: Rows, uses: "_Uses") -> None:
        """Bring (Q,) means up to date, without ever holding a sum that grows."""
        means, n_values = self._means.reshape(-1), self._n_values.reshape(-1)
        n_values[slots] += uses.n_values
        n_all = np.maximum(n_values[slots], 1)
        means[slots] += (uses.sums - uses.n_values * means[slots].astype(np.float64)) / n_all

    def _admit(self, newcomers: "_Uses") -> None:
        """Let (Q,) newcomers compete for slots, one of a user at a time, those with most events first."""
        for positions in one_of_each_set(newcomers.users, newcomers.n_events, N_LABELS):
            candidates = newcomers.at(positions)
            slots, is_in = compete(self._n_events, N_LABELS, candidates.users, candidates.n_events)
            taken, entered = slots[is_in], candidates.at(np.flatnonzero(is_in))
            self._labels.reshape(-1)[taken] = entered.labels
            self._n_values.reshape(-1)[taken] = 0
            self._means.reshape(-1)[taken] = 0
            self._note_values(taken, entered)


class _Uses(NamedTuple):
    """Pairs to be counted: (Q,) each, no pair of user and label twice."""

    users: Rows
    labels: Rows
    n_events: Rows
    n_values: Rows
    sums: NDArray[np.float64]

    def at(self, positions: Rows) -> "_Uses":
        return _Uses(
            self.users[positions],
            self.labels[positions],
            self.n_events[positions],
            self.n_values[positions],
            self.sums[positions],
        )


def _summed(users: Rows, labels: Rows, values: NDArray[np.float64]) -> _Uses:
    """Return each pair of (P,) users and labels once, with what its events sum up to."""
    keys = (users << 32) | labels
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    is_given = ~np.isnan(values)
    return _Uses(
        keys[firsts] >> 32,
        keys[firsts] & 0xFFFFFFFF,
        np.diff(firsts, append=len(keys)),
        np.add.reduceat(is_given, firsts, dtype=np.int64),
        np.add.reduceat(np.where(is_given, values, 0.0), firsts),
    )


def _six_digits(numbers: NDArray[np.number]) -> NDArray[np.float64]:
    """Return numbers with what a float32 holds, without the tail that it has as a longer number.

    >>> _six_digits(np.array([3.3, -12345.678, 0], np.float32)).tolist()
    [3.3, -12345.7, 0.0]
    """
    exact = numbers.astype(np.float64)
    size = np.abs(exact)
    scale = 10.0 ** (5 - np.floor(np.log10(np.where(size > 0, size, 1.0))))
    return np.round(exact * scale) / scale
