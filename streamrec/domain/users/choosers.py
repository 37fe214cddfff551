"""Users who chose an item lately."""

from typing import NamedTuple

from streamrec.domain.users.user import UserState

MAX_LOOKED_AT = 20_000
"""Users looked at for one page, in order of their ids: no store has an index of users by what they chose."""


class Chooser(NamedTuple):
    """A user, and when they chose the item last (Unix seconds of the event); None: that is not known."""

    user_id: str
    chosen_at: int | None


class Choosers(NamedTuple):
    """Users who have an item among their recent ones, in order of their ids.

    Attributes
    ----------
    next_after
        Where to look on; None: all users were looked at.
    """

    found: list[Chooser]
    next_after: str | None


def chooser_of(state: UserState | None, item_id: str) -> Chooser | None:
    """Return the user as one who chose an item; None where it is not among the recent ones.

    >>> state = UserState("u", "g1", None, recent=("a", "b", "a", "c"), recent_at=(20, 30))
    >>> chooser_of(state, "a"), chooser_of(state, "b"), chooser_of(state, "d")
    (Chooser(user_id='u', chosen_at=20), Chooser(user_id='u', chosen_at=None), None)
    """
    if state is None or item_id not in state.recent:
        return None
    from_the_end = state.recent[::-1].index(item_id) + 1
    times = state.recent_at
    return Chooser(state.user_id, times[-from_the_end] if from_the_end <= len(times) else None)
