"""Memory of recent events."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled
from streamrec.domain.rows.growing import grown, roomy
from streamrec.domain.rows.marked_rows import clear_rows

Rows = NDArray[np.int64]

_NOBODY = -1
"""Stands in a ring where an item was that is forgotten."""


class RecentItems:
    """The last `length` positives of every user, in a ring of item rows each."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._rings = np.zeros((0, length), np.int32)
        self._counts = np.zeros(0, np.int64)

    def grow_to(self, n_users: int) -> None:
        """Have a ring for at least so many users."""
        self._rings = grown(self._rings, n_users)
        self._counts = grown(self._counts, n_users)

    def add(self, user_rows: Rows, item_rows: Rows) -> None:
        """Append (B,) positives in order; a user may occur more than once."""
        _append(self._rings, self._counts, user_rows, item_rows)

    def newest(self, user_rows: Rows, n: int) -> list[Rows]:
        """Return the newest `n` items, newest last, of each of (B,) users."""
        histories = []
        for row in user_rows.tolist():
            count = int(self._counts[row]) if row < len(self._counts) else 0
            slots = np.arange(max(0, count - min(n, self.length)), count) % self.length
            items = self._rings[row, slots] if count else np.zeros(0, np.int32)
            histories.append(items[items >= 0].astype(np.int64))
        return histories

    def before(self, user_rows: Rows, item_rows: Rows, n: int) -> Rows:
        """Return (B, n) what users chose before each of (B,) events that are not added yet.

        Newest first, each item once at its newest position, without the event's own, -1 at the end; the
        events before one in the batch count as its past.
        """
        self.grow_to(int(user_rows.max(initial=-1)) + 1)
        turns = occurrence_numbers(user_rows)
        back = np.arange(1, self.length + 1)
        slots = (self._counts[user_rows] + turns)[:, None] - back
        past = np.where(slots >= 0, self._rings[user_rows[:, None], slots % self.length], _NOBODY)
        if turns.any():
            order = np.argsort(user_rows, kind="stable")
            place_in_order = np.empty(len(order), np.int64)
            place_in_order[order] = np.arange(len(order))
            of_batch = item_rows[order][np.maximum(place_in_order[:, None] - back, 0)]
            past = np.where(back <= turns[:, None], of_batch, past)
        # The event's own item goes first, so that its earlier occurrences are repeats; then it is left out.
        return first_occurrences(np.column_stack([item_rows, past]), n + 1)[:, 1:]

    def latest(self, user_rows: Rows, n: int) -> Rows:
        """Return (B, n) the last distinct items of each user, newest first, -1 at the end."""
        known = np.where(user_rows < len(self._counts), user_rows, -1)
        counts = np.append(self._counts, 0)[known]
        slots = counts[:, None] - np.arange(1, self.length + 1)
        rings = self._rings if len(self._rings) else np.zeros((1, self.length), np.int32)
        past = np.where(slots >= 0, rings[known[:, None], slots % self.length], _NOBODY)
        return first_occurrences(past.astype(np.int64), n)

    def forget_users(self, rows: Rows) -> None:
        """Empty the rings of users."""
        self._counts[rows[rows < len(self._counts)]] = 0

    def forget_items(self, rows: Rows) -> None:
        """Leave items out of all rings."""
        clear_rows(self._rings, rows)

    def arrays(self) -> dict[str, NDArray[np.int32] | Rows]:
        """Return the state, for a checkpoint."""
        return {"rings": self._rings, "counts": self._counts}

    def load(self, arrays: dict[str, NDArray[np.int32]]) -> None:
        """Take over a copy of what `arrays` returned."""
        self._rings = roomy(arrays["rings"])
        self._counts = roomy(arrays["counts"].astype(np.int64, copy=False))


@compiled
def _append(rings: NDArray[np.int32], counts: Rows, user_rows: Rows, item_rows: Rows) -> None:
    for b in range(len(user_rows)):
        user = user_rows[b]
        rings[user, counts[user] % rings.shape[1]] = item_rows[b]
        counts[user] += 1


def distinct(rows: Rows) -> Rows:
    """Return the distinct of (B,) rows, ascending; some times faster than `np.unique` at a thousand rows.

    >>> distinct(np.array([7, 3, 7])).tolist()
    [3, 7]
    """
    in_order = np.sort(rows)
    is_first = np.ones(len(rows), np.bool_)
    is_first[1:] = in_order[1:] != in_order[:-1]
    return in_order[is_first]


def first_occurrences(histories: Rows, n: int) -> Rows:
    """Return (B, n): the first `n` distinct items of each of (B, W) rows in their order, -1 at the end.

    >>> first_occurrences(np.array([[3, 5, 3, -1, 4]]), 4).tolist()
    [[3, 5, 4, -1]]
    """
    width = histories.shape[1]
    # Sorted by item and position, the first of each item stands at its newest position; sorted by position
    # again, they are in order. Two sorts of packed integers take less time than any comparison of all with
    # all.
    by_item = np.sort((histories << 16) | np.arange(width), axis=1)
    items = by_item >> 16
    is_first = items >= 0
    is_first[:, 1:] &= items[:, 1:] != items[:, :-1]
    last = 1 << 16
    by_place = np.sort(np.where(is_first, ((by_item & (last - 1)) << 32) | items, last << 32), axis=1)[:, :n]
    return np.where(by_place < last << 32, by_place & 0xFFFFFFFF, _NOBODY)


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
