"""The order in which users and items were last heard of: the longest silent are evicted first."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import ObservedEvents, Retracted
from streamrec.domain.rows.compiled import compiled, compiled_in_place, inlined
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored

Rows = NDArray[np.int64]

Links = NDArray[np.int32]
"""(N + 1, 2): rows plus one that were touched before and after a row plus one; line 0 closes the ring."""

_BEFORE, _AFTER = 0, 1


class TouchedRows:
    """Rows in the order in which they were touched last, which no clock can set back.

    A ring of links: to touch a row, to take one out and to find the next to go costs the same however many
    there are.

    >>> touched = TouchedRows()
    >>> touched.touch(np.array([0, 2, 1]))
    >>> touched.touch(np.array([0]))
    >>> touched.longest_ago(2).tolist()
    [2, 1]
    >>> touched.forget(np.array([1, 7]))
    >>> touched.longest_ago(5).tolist()
    [2, 0]
    """

    def __init__(self) -> None:
        self._links = np.zeros((1, 2), np.int32)

    def touch(self, rows: Rows) -> None:
        """Note (B,) rows, one after the other."""
        self._links = grown(self._links, int(rows.max(initial=-1)) + 2)
        _touch(self._links, rows)

    def forget(self, rows: Rows) -> None:
        """Take out (B,) rows, as far as they are in."""
        _take_out(self._links, rows)

    def longest_ago(self, n: int) -> Rows:
        """Return up to `n` rows that were touched longest ago, those first."""
        return _oldest(self._links, n)

    def keep(self, rows: Rows) -> None:
        """Hold (R,) distinct rows and no others; those that are not in yet were touched longest ago."""
        order = self.longest_ago(len(self._links))
        self.load(np.concatenate([rows[~np.isin(rows, order)], order[np.isin(order, rows)]]))

    def load(self, order: Rows) -> None:
        """Hold these distinct rows, those first that were touched longest ago."""
        self._links = np.zeros((1, 2), np.int32)
        self.touch(order)

    def turns(self) -> Rows:
        """Return (N,) the number of each row in the order, from 1; 0: it is not in."""
        order = self.longest_ago(len(self._links))
        turns = np.zeros(int(order.max(initial=-1)) + 1, np.int64)
        turns[order] = np.arange(1, len(order) + 1)
        return turns


class Touched(StatePart):
    """Orders in which users' and items' rows were last touched, as a part of the trainer's state."""

    def __init__(self) -> None:
        self.users, self.items = TouchedRows(), TouchedRows()

    def observe(self, events: ObservedEvents) -> None:
        """Note the rows of users, and of items that were chosen."""
        self.users.touch(events.user_rows)
        self.items.touch(events.choices.item_rows)

    def retract(self, pairs: Retracted) -> None:
        """Note the users: they were heard of."""
        self.users.touch(pairs.user_rows)

    def forget_users(self, rows: Rows) -> None:
        """Leave rows out until their next users touch them."""
        self.users.forget(rows)

    def forget_items(self, rows: Rows) -> None:
        """Leave rows out until their next items touch them."""
        self.items.forget(rows)

    def arrays(self) -> dict[str, Rows]:
        """Return the state, for a checkpoint."""
        return {"users": self.users.turns(), "items": self.items.turns()}

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over what `arrays` returned, or times from before there was an order: of gone rows, too."""
        users, items = (stored(arrays, name, np.int64, None) for name in ("users", "items"))
        for rows, turns in ((self.users, users), (self.items, items)):
            order = np.argsort(turns, kind="stable")
            rows.load(order[turns[order] != 0])


@inlined
def _unlink(links: Links, node: int) -> None:
    before, after = links[node, _BEFORE], links[node, _AFTER]
    # Of two nodes that stand nowhere the first line is meant, unless it is the only one that is in.
    if before or after or links[0, _AFTER] == node:
        links[before, _AFTER], links[after, _BEFORE] = after, before
        links[node, _BEFORE] = links[node, _AFTER] = 0


@compiled_in_place
def _touch(links: Links, rows: Rows) -> None:
    for row in rows:
        node = row + 1
        _unlink(links, node)
        newest = links[0, _BEFORE]
        links[node, _BEFORE], links[node, _AFTER] = newest, 0
        links[newest, _AFTER] = links[0, _BEFORE] = node


@compiled_in_place
def _take_out(links: Links, rows: Rows) -> None:
    for row in rows:
        if row + 1 < len(links):
            _unlink(links, row + 1)


@compiled
def _oldest(links: Links, n: int) -> Rows:
    found, n_found, node = np.empty(min(n, len(links) - 1), np.int64), 0, links[0, _AFTER]
    while node and n_found < len(found):
        found[n_found] = node - 1
        node = links[node, _AFTER]
        n_found += 1
    return found[:n_found]
