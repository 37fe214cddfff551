"""What changed of users since the last publication and waits for the next."""

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

    def forget_user(self, user_id: str, row: int) -> None:
        """Note an erased user; nothing of it that waits may be written any more. `row` may be -1."""
        if row < 0 or row in self._user_rows:  # of another user nothing waits
            self._user_rows.discard(row)
            self.seen = [entry for entry in self.seen if entry[0] != user_id]
        self.forgotten_users.append(user_id)

    def user_rows(self) -> NDArray[np.int64]:
        """Return the changed rows, in order."""
        return np.array(sorted(self._user_rows), np.int64)

    @property
    def n_users(self) -> int:
        """How many users' states wait."""
        return len(self._user_rows)

    def __bool__(self) -> bool:
        return bool(self._user_rows or self.seen or self.rejected or self.forgotten_users)
