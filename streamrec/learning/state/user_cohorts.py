"""Cohorts of users: their attributes are read once, before their first event, and again when they change."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streamrec.learning.state.trainer_state import TrainerState

AttributesOf = Callable[[Sequence[str]], Mapping[str, Mapping[str, Any]]]
"""Reads the attributes of users by id; those without any are left out."""

_AT_ONCE = 1000


def no_attributes(_user_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return nothing: where nobody has attributes."""
    return {}


def expect_users(state: TrainerState, user_ids: Sequence[str], read: AttributesOf) -> None:
    """Read the attributes of those who have no row yet, before what they do is predicted or learned.

    Raises
    ------
    Unavailable
        When the store does not answer; nothing changed then.
    """
    new = [user_id for user_id in dict.fromkeys(user_ids) if user_id not in state.user_ids]
    found = _tokens(state, new, read)
    state.cohorts.waiting = {user_id: tokens for user_id, tokens in found.items() if tokens}


def renew_cohorts(state: TrainerState, user_ids: Sequence[str], read: AttributesOf) -> None:
    """Read the attributes of those who have a row, after they changed.

    Raises
    ------
    Unavailable
        When the store does not answer; nothing changed then.
    """
    known = [user_id for user_id in dict.fromkeys(user_ids) if user_id in state.user_ids]
    found = _tokens(state, known, read)
    state.cohorts.put(state.user_ids.rows_of(known), [found.get(user_id, ()) for user_id in known])


def complete_cohorts(state: TrainerState, read: AttributesOf) -> None:
    """Read the attributes of all users with a row, unless that was done before by the same rules.

    Raises
    ------
    Unavailable
        As `renew_cohorts`.
    """
    if not state.cohorts.is_read:
        renew_cohorts(state, state.user_ids.ids(), read)
        state.cohorts.note_read()


def cohorts_of_user(state: TrainerState, user_id: str) -> tuple[int, ...]:
    """Return the tokens of a user's cohorts, also of one whose first event is yet to be learned."""
    return state.cohorts.waiting.get(user_id) or state.cohorts.of_user(state.user_ids.row(user_id))


def _tokens(state: TrainerState, user_ids: Sequence[str], read: AttributesOf) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for start in range(0, len(user_ids), _AT_ONCE):
        given = read(user_ids[start : start + _AT_ONCE])
        found |= {user_id: state.cohorts.tokens_of(attributes) for user_id, attributes in given.items()}
    return found
