"""Watch over who sends the events: whether one user sends most of them."""

import math
from collections import Counter
from collections.abc import Collection, Sequence

import structlog

MOST_SHARE = 0.2
"""Of the events: more of one user are a robot's, or a fault's."""

_MEMORY = 4000.0
"""Events after which one counts 1/e: a user who sends a third of all is known after 3,700, one who sends all
after 900. Who rates 700 films in one go while nobody else does anything is no robot yet."""

_N_COUNTED = 32
"""Users with a count: one that sends more than a 33rd of the events is among them."""

_LEAST_USERS = 100
"""Known to the trainer: of a few users one may well send most."""


class BusiestUser:
    """The faded share of the events that one user sends, from the counts of a few users.

    The counts are those of Misra and Gries 1982, Finding repeated elements, merged batch by batch (Agarwal et
    al. 2012, Mergeable summaries, section 2): each is too low by a 33rd of all at most.

    >>> busiest = BusiestUser()
    >>> busiest.note(["a", "robot", "robot", "b"] * 1000, n_users=50)
    >>> round(busiest.share, 2)
    0.3
    """

    def __init__(self) -> None:
        self._counts: dict[str, float] = {}
        self._is_high = False

    @property
    def share(self) -> float:
        """Share of the last events, at least."""
        return max(self._counts.values(), default=0.0) / _MEMORY

    def note(self, user_ids: Sequence[str], n_users: int) -> None:
        """Note who sent (B,) events, and how many users there are in all; say when one sends too many."""
        kept = math.exp(-len(user_ids) / _MEMORY)
        # Each as at the middle of its batch.
        worth = math.sqrt(kept)
        counts = {user_id: count * kept for user_id, count in self._counts.items()}
        for user_id, n in Counter(user_ids).items():
            counts[user_id] = counts.get(user_id, 0.0) + n * worth
        if len(counts) > _N_COUNTED:
            least = sorted(counts.values(), reverse=True)[_N_COUNTED]
            counts = {user_id: count - least for user_id, count in counts.items() if count > least}
        self._counts = counts
        is_high = n_users >= _LEAST_USERS and self.share > MOST_SHARE
        if is_high and not self._is_high:
            structlog.get_logger().error(
                "one_user_sends_much",
                share=round(self.share, 2),
                mend="see which of your producers sends for one user, and erase the user if it is nobody",
            )
        self._is_high = is_high

    def forget(self, user_ids: Collection[str]) -> None:
        """Drop what is counted of users."""
        for user_id in user_ids:
            self._counts.pop(user_id, None)

    def gauges(self) -> dict[str, float]:
        """Return by metric name the share, and whether it is too high."""
        return {"busiest_user_share": self.share, "one_user_sends_much": float(self._is_high)}
