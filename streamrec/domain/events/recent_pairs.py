"""Recent pairs of a user and an item, in a table of fixed size."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

_BITS = 16
N_SLOTS = 1 << _BITS
"""Enough to recognise a user who repeats an item each second among a thousand other events a second."""

_FREE = -1

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio (Knuth, The Art of Computer Programming, volume 3, section 6.4)."""

_ITEM_BITS = 32


def slots_of(keys: Rows) -> Rows:
    """Return (B,) the slots of pairs, a user's row above an item's 32 bits."""
    return ((keys.astype(np.uint64) * _SPREAD) >> np.uint64(64 - _BITS)).astype(np.int64)


class PairVisits(NamedTuple):
    """A batch by its D stays: a pair stays in a slot until another pair of the same slot comes.

    Attributes
    ----------
    slots
        (D,) where what is known of a stay is kept, ascending; of several in a slot the last one is kept.
    is_known
        (D,) whether the stay began before this batch.
    item_rows
        (D,) the pairs' items.
    of_event
        (B,) to which of the stays an event belongs.
    """

    slots: Rows
    is_known: NDArray[np.bool_]
    item_rows: Rows
    of_event: Rows


class UserPairs(NamedTuple):
    """All pairs of some users: (P,) their slots, and the rows of their users and items."""

    slots: Rows
    user_rows: Rows
    item_rows: Rows


class RecentPairs:
    """A slot for each pair that came lately, until another pair of the same slot comes.

    Users who repeat the same few pairs all the time keep their slots; a pair that was pushed out is a new
    one.

    >>> pairs = RecentPairs()
    >>> users, items = np.array([1, 1, 2]), np.array([7, 7, 7])
    >>> pairs.visit(users, items).is_known.tolist(), pairs.visit(users[:1], items[:1]).is_known.tolist()
    ([False, False], [True])
    """

    def __init__(self) -> None:
        self.keys = np.full(N_SLOTS, _FREE, np.int64)

    def visit(self, user_rows: Rows, item_rows: Rows) -> PairVisits:
        """Note (B,) pairs, repeats included, of rows below 2^31."""
        keys = (user_rows << _ITEM_BITS) | item_rows
        slots = slots_of(keys)
        order = np.argsort(slots.astype(np.uint16), kind="stable")
        keys, slots = keys[order], slots[order]
        is_other_slot = np.diff(slots, prepend=-1) != 0
        begins = is_other_slot | (np.diff(keys, prepend=-1) != 0)
        of_event = np.empty(len(keys), np.int64)
        of_event[order] = np.cumsum(begins) - 1
        is_first_of_slot, keys, slots = is_other_slot[begins], keys[begins], slots[begins]
        is_known = is_first_of_slot & (self.keys[slots] == keys)
        self.keys[slots] = keys  # of several assigned the last one stays
        return PairVisits(slots, is_known, keys & ((1 << _ITEM_BITS) - 1), of_event)

    def of_users(self, rows: Rows) -> UserPairs:
        """Return all pairs of users."""
        slots = np.flatnonzero(np.isin(self.keys >> _ITEM_BITS, rows))
        keys = self.keys[slots]
        return UserPairs(slots, keys >> _ITEM_BITS, keys & ((1 << _ITEM_BITS) - 1))

    def forget_users(self, rows: Rows) -> UserPairs:
        """Forget all pairs of users, and return them."""
        gone = self.of_users(rows)
        self.keys[gone.slots] = _FREE
        return gone

    def forget_pairs(self, user_rows: Rows, item_rows: Rows) -> UserPairs:
        """Forget those of (P,) distinct pairs that hold their slots, and return them.

        >>> pairs = RecentPairs()
        >>> _ = pairs.visit(np.array([1, 1]), np.array([7, 8]))
        >>> gone = pairs.forget_pairs(np.array([1, 2]), np.array([7, 7]))
        >>> gone.user_rows.tolist(), gone.item_rows.tolist(), len(pairs.of_users(np.array([1])).slots)
        ([1], [7], 1)
        """
        keys = (user_rows << _ITEM_BITS) | item_rows
        slots = slots_of(keys)
        is_held = self.keys[slots] == keys
        gone = UserPairs(slots[is_held], user_rows[is_held], item_rows[is_held])
        self.keys[gone.slots] = _FREE
        return gone

    def forget_items(self, rows: Rows) -> None:
        """Forget all pairs with any of these items."""
        self.keys[np.isin(self.keys & ((1 << _ITEM_BITS) - 1), rows)] = _FREE
