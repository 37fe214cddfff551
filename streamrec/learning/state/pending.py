"""Changes of users that wait for the next publication."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.ports import Message


class Pending:
    """Changes of several steps of the loop, each to be published once.

    Attributes
    ----------
    rejected
        Messages for the rejected topic.
    seen
        (user_id, item_id, Unix seconds).
    forgotten_users
        Ids to remove outside.
    """

    def __init__(self) -> None:
        self.rejected: list[Message] = []
        self.seen: list[tuple[str, str, float]] = []
        self.forgotten_users: list[str] = []
        self._user_rows: set[int] = set()

    def add_users(self, rows: NDArray[np.int64], seen: Sequence[tuple[str, str, float]]) -> None:
        """Note (U,) changed user rows, and what their users saw."""
        self._user_rows.update(rows.tolist())
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
        self._user_rows.difference_update(rows_gone)
        self.forgotten_users += user_ids

    def user_rows(self) -> NDArray[np.int64]:
        """Return the changed rows, in order."""
        return np.array(sorted(self._user_rows), np.int64)

    @property
    def n_users(self) -> int:
        """Number of users whose states wait."""
        return len(self._user_rows)

    def __bool__(self) -> bool:
        return bool(self._user_rows or self.seen or self.rejected or self.forgotten_users)
