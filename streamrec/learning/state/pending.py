"""Changes of users that wait for the next publication."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.learning.state.sights import Pair, Sight, without
from streamrec.ports import Message


class Pending:
    """Changes of several steps of the loop, each to be published once.

    Attributes
    ----------
    rejected
        Messages for the rejected topic.
    seen
        (user_id, item_id, Unix seconds).
    unseen
        Pairs that are not seen any more, but for those of `seen`.
    forgotten_users
        Ids to remove outside.
    """

    def __init__(self) -> None:
        self.rejected: list[Message] = []
        self.seen: list[Sight] = []
        self.unseen: list[Pair] = []
        self.forgotten_users: list[str] = []
        self._user_rows: set[int] = set()

    def add_users(self, rows: NDArray[np.int64], seen: Sequence[Sight], unseen: Sequence[Pair] = ()) -> None:
        """Note (U,) changed user rows, what is unseen, and then what their users saw."""
        self._user_rows.update(rows.tolist())
        if unseen:
            self.seen = without(self.seen, unseen)
            self.unseen += unseen
        self.seen.extend(seen)

    def forget_users(self, user_ids: Sequence[str], rows: NDArray[np.int64]) -> None:
        """Note erased users; nothing of them that waits may be written any more.

        Parameters
        ----------
        rows
            (B,) that were theirs; -1 of a user who had none.
        """
        rows_gone = rows.tolist()
        # Of a known user whose row does not wait nothing else does.
        with_rows = zip(user_ids, rows_gone, strict=True)
        gone = {user_id for user_id, row in with_rows if row < 0 or row in self._user_rows}
        if gone and self.seen:
            self.seen = [entry for entry in self.seen if entry[0] not in gone]
        if gone and self.unseen:
            self.unseen = [pair for pair in self.unseen if pair[0] not in gone]
        self._user_rows.difference_update(rows_gone)
        self.forgotten_users += user_ids

    def user_rows(self) -> NDArray[np.int64]:
        """Return the changed rows, in order."""
        return np.array(sorted(self._user_rows), np.int64)

    @property
    def n_pairs(self) -> int:
        """Number of pairs that wait to be seen, or unseen."""
        return len(self.seen) + len(self.unseen)

    @property
    def n_users(self) -> int:
        """Number of users whose states wait."""
        return len(self._user_rows)

    def __bool__(self) -> bool:
        return bool(self._user_rows or self.seen or self.unseen or self.rejected or self.forgotten_users)
