"""Memory of recent events."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.blocks.block_memory import clear_marked
from streamrec.domain.blocks.columns import ColumnMemory
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.marked_rows import GoneRows, Marks
from streamrec.learning.rings import all_of, append, before, newest

Rows = NDArray[np.int64]

_AT_ONCE = 65_536
"""Users whose rings are unrolled at once: of all of them, the positions would take more than the rings."""

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
    """The last `length` positives of every user, in a ring of item rows each, as long as it needs to be.

    Attributes
    ----------
    gone
        Items that were forgotten, and that rings may hold still.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self._rings = ColumnMemory(length)
        self._counts = np.zeros(0, np.int64)
        self.gone = GoneRows(lambda: len(self._counts), self._clear)

    @property
    def n_bytes(self) -> int:
        """Bytes of all rings."""
        return self._rings.n_bytes

    def grow_to(self, n_users: int) -> None:
        """Have a ring for at least so many users."""
        self._counts = grown(self._counts, n_users)
        self._rings.grow_to(len(self._counts))

    def add(self, user_rows: Rows, item_rows: Rows) -> None:
        """Append (B,) positives in order; a user may occur more than once."""
        self._rings.make_room_for(len(user_rows))
        append(self._rings.blocks, self._counts, user_rows, item_rows)

    def newest(self, user_rows: Rows, n: int) -> list[Rows]:
        """Return the newest `n` items, newest last, of each of (B,) users."""
        self.gone.clear(user_rows)
        items, ends = newest(self._rings.blocks, self._counts, user_rows, n)
        bounds = [0, *ends.tolist()]
        return [items[start:end] for start, end in pairwise(bounds)]

    def before(self, user_rows: Rows, item_rows: Rows, n: int) -> "Before":
        """Return what users chose before each of (B,) events that are not added yet.

        The events before one in the batch count as its past.
        """
        self.grow_to(int(user_rows.max(initial=-1)) + 1)
        self.gone.clear(user_rows)
        events = user_rows, item_rows, _earlier(user_rows)
        return Before(*before(self._rings.blocks, self._counts, events, n))

    def latest(self, user_rows: Rows, n: int) -> Rows:
        """Return (B, n) the last distinct items of each user, newest first, -1 at the end."""
        self.grow_to(int(user_rows.max(initial=-1)) + 1)
        self.gone.clear(user_rows)
        no_event = np.full(len(user_rows), -1)
        return before(self._rings.blocks, self._counts, (user_rows, no_event, no_event), n)[0]

    def forget_users(self, rows: Rows) -> None:
        """Empty the rings of users."""
        self._counts[rows[rows < len(self._counts)]] = 0
        self._rings.release(rows)

    def forget_pairs(self, user_rows: Rows, item_rows: Rows) -> Rows:
        """Take items out of users' rings, (R,) distinct pairs; return (R,) how often each stood there.

        What is left is as if they had never been there.
        """
        self.gone.clear(user_rows)
        n_gone = np.zeros(len(user_rows), np.int64)
        for number, (user, item) in enumerate(zip(user_rows.tolist(), item_rows.tolist(), strict=True)):
            if user < len(self._counts) and (self._rings.of(user) == item).any():
                (held,) = self.newest(np.array([user]), self.length)
                left = held[held != item]
                n_gone[number] = len(held) - len(left)
                self._rings.of(user)[0, : len(left)], self._counts[user] = left, len(left)
        return n_gone

    def forget_items(self, rows: Rows) -> None:
        """Leave items out of all rings, whatever these hold, until the rings were gone through."""
        self.gone.mark(rows)

    def _clear(self, users: Rows, is_gone: Marks) -> None:
        clear_marked(self._rings.blocks, users, is_gone)

    def arrays(self) -> dict[str, NDArray[np.int32] | Rows]:
        """Return the state, for a checkpoint: copies."""
        n_items, items = all_of(self._rings.blocks, self._counts)
        return {"n_items": n_items, "items": items}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over a copy of what `arrays` returned, or of rings that were all of one length."""
        if "rings" in arrays:
            n_items, items = _unrolled(arrays["rings"], arrays["counts"])
        else:
            n_items, items = arrays["n_items"].astype(np.int64), arrays["items"]
        if n_items.max(initial=0) > self.length:
            left = np.minimum(n_items, self.length)
            from_end = np.repeat(np.cumsum(n_items), n_items) - np.arange(len(items))
            n_items, items = left, items[from_end <= self.length]
        self._rings.load(n_items, items[None])
        self._counts = grown(np.zeros(0, np.int64), len(n_items))
        self._counts[:] = n_items


def _unrolled(rings: NDArray[np.int32], counts: NDArray[np.integer]) -> tuple[Rows, NDArray[np.int32]]:
    """Return (U,) how many items rings of one length hold, and these, newest last."""
    n_items = np.minimum(counts, rings.shape[1]).astype(np.int64)
    found = [np.zeros(0, np.int32)]
    for start in range(0, len(counts), _AT_ONCE):
        n = n_items[start : start + _AT_ONCE]
        users = np.repeat(np.arange(len(n)), n)
        numbers = np.arange(len(users)) + np.repeat(counts[start : start + _AT_ONCE] - np.cumsum(n), n)
        found.append(rings[start + users, numbers % rings.shape[1]])
    return n_items, np.concatenate(found)


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
