"""Memory of recent events."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.growing import grown, roomy
from streamrec.domain.rows.marked_rows import GoneRows, Marks, clear_lines
from streamrec.learning.rings import append, before, newest

Rows = NDArray[np.int64]

_NOBODY = -1
"""Stands in a ring where an item was that is forgotten."""


class Before(NamedTuple):
    """Choices of users before each of B events.

    Attributes
    ----------
    histories
        (B, n) item rows, newest first, each once at its newest position and the event's own not at all; -1 at
        the end.
    is_again
        (B,) whether the event's own item is among the last that the user chose.
    """

    histories: Rows
    is_again: NDArray[np.bool_]


class RecentItems:
    """The last `length` positives of every user, in a ring of item rows each.

    Attributes
    ----------
    gone
        Items that were forgotten, and that rings may hold still.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self._rings = np.zeros((0, length), np.int32)
        self._counts = np.zeros(0, np.int64)
        self.gone = GoneRows(lambda: len(self._rings), self._clear)

    def grow_to(self, n_users: int) -> None:
        """Have a ring for at least so many users."""
        self._rings = grown(self._rings, n_users)
        self._counts = grown(self._counts, n_users)

    def add(self, user_rows: Rows, item_rows: Rows) -> None:
        """Append (B,) positives in order; a user may occur more than once."""
        append(self._rings, self._counts, user_rows, item_rows)

    def newest(self, user_rows: Rows, n: int) -> list[Rows]:
        """Return the newest `n` items, newest last, of each of (B,) users."""
        self.gone.clear(user_rows)
        items, ends = newest(self._rings, self._counts, user_rows, n)
        bounds = [0, *ends.tolist()]
        return [items[start:end] for start, end in pairwise(bounds)]

    def before(self, user_rows: Rows, item_rows: Rows, n: int) -> "Before":
        """Return what users chose before each of (B,) events that are not added yet.

        The events before one in the batch count as its past.
        """
        self.grow_to(int(user_rows.max(initial=-1)) + 1)
        self.gone.clear(user_rows)
        events = user_rows, item_rows, _earlier(user_rows)
        return Before(*before(self._rings, self._counts, events, n))

    def latest(self, user_rows: Rows, n: int) -> Rows:
        """Return (B, n) the last distinct items of each user, newest first, -1 at the end."""
        self.grow_to(int(user_rows.max(initial=-1)) + 1)
        self.gone.clear(user_rows)
        no_event = np.full(len(user_rows), -1)
        return before(self._rings, self._counts, (user_rows, no_event, no_event), n)[0]

    def forget_users(self, rows: Rows) -> None:
        """Empty the rings of users."""
        self._counts[rows[rows < len(self._counts)]] = 0

    def forget_pairs(self, user_rows: Rows, item_rows: Rows) -> Rows:
        """Take items out of users' rings, (R,) distinct pairs; return (R,) how often each stood there.

        What is left is as if they had never been there.
        """
        self.gone.clear(user_rows)
        n_gone = np.zeros(len(user_rows), np.int64)
        for number, (user, item) in enumerate(zip(user_rows.tolist(), item_rows.tolist(), strict=True)):
            if user < len(self._rings) and (self._rings[user] == item).any():
                (held,) = self.newest(np.array([user]), self.length)
                left = held[held != item]
                n_gone[number] = len(held) - len(left)
                self._rings[user, : len(left)], self._counts[user] = left, len(left)
        return n_gone

    def forget_items(self, rows: Rows) -> None:
        """Leave items out of all rings, whatever these hold, until the rings were gone through."""
        self.gone.mark(rows)

    def _clear(self, users: Rows, is_gone: Marks) -> None:
        clear_lines(self._rings, users, is_gone)

    def arrays(self) -> dict[str, NDArray[np.int32] | Rows]:
        """Return the state, for a checkpoint."""
        return {"rings": self._rings, "counts": self._counts}

    def load(self, arrays: dict[str, NDArray[np.int32]]) -> None:
        """Take over a copy of what `arrays` returned."""
        self._rings = roomy(arrays["rings"])
        self._counts = roomy(arrays["counts"].astype(np.int64, copy=False))


def distinct(rows: Rows) -> Rows:
    """Return the distinct of (B,) rows, ascending; some times faster than `np.unique` at a thousand rows.

    >>> distinct(np.array([7, 3, 7])).tolist()
    [3, 7]
    """
    in_order = np.sort(rows)
    is_first = np.ones(len(rows), np.bool_)
    is_first[1:] = in_order[1:] != in_order[:-1]
    return in_order[is_first]


def occurrence_numbers(rows: Rows) -> Rows:
    """Return (B,): how often each row occurred before its position.

    >>> occurrence_numbers(np.array([7, 3, 7, 7, 3])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(rows, kind="stable")
    in_order = rows[order]
    is_first = np.ones(len(rows), np.bool_)
    is_first[1:] = in_order[1:] != in_order[:-1]
    positions = np.arange(len(rows))
    starts = np.maximum.accumulate(np.where(is_first, positions, 0))
    numbers = np.empty(len(rows), np.int64)
    numbers[order] = positions - starts
    return numbers


def _earlier(rows: Rows) -> Rows:
    """Return (B,) the position at which each row occurred before; -1: nowhere."""
    order = np.argsort(rows, kind="stable")
    earlier = np.full(len(rows), -1)
    is_same = rows[order[1:]] == rows[order[:-1]]
    earlier[order[1:][is_same]] = order[:-1][is_same]
    return earlier


def random_state(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the state of a generator of numpy's default kind, PCG64, as (37,) bytes."""
    state = rng.bit_generator.state
    return np.frombuffer(
        state["state"]["state"].to_bytes(16, "little")
        + state["state"]["inc"].to_bytes(16, "little")
        + state["has_uint32"].to_bytes(1, "little")
        + state["uinteger"].to_bytes(4, "little"),
        np.uint8,
    ).copy()


def restore_random_state(rng: np.random.Generator, state: NDArray[np.uint8]) -> None:
    """Let a generator go on from where `random_state` was called."""
    buffer = state.tobytes()
    rng.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {
            "state": int.from_bytes(buffer[:16], "little"),
            "inc": int.from_bytes(buffer[16:32], "little"),
        },
        "has_uint32": buffer[32],
        "uinteger": int.from_bytes(buffer[33:], "little"),
    }
