"""What a choice counts, before anything is learned from it: popularity, newness, shares, profiles."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.ranking.prequential import Events
from streamrec.learning.state.categories import Labels
from streamrec.learning.state.trainer_state import TrainerState

_AT_ONCE = 1024
"""Events of a history that count as one batch, as in a stream that is behind."""


def count_choices(state: TrainerState, events: Events) -> NDArray[np.float64]:
    """Count B positives, whose timestamps are seconds of stream time; return (B,) weights under the cap.

    The cap is on what one user's events may count together, see `UserShares`.
    """
    shares = state.user_shares.of(events.user_rows, events.timestamps)
    weights = events.weights * shares
    state.popularity.add(events.user_rows, events.item_rows, events.timestamps, weights)
    state.new_items.count(events.item_rows, events.timestamps, shares)
    return weights


def count_labels(
    state: TrainerState,
    positives: Sequence[Interaction],
    user_rows: NDArray[np.int64],
    labels_of: Callable[[str], Labels],
) -> None:
    """Count what B positive events say of their users: the items' categories and tags, and the values."""
    labels = [labels_of(event.item_id) for event in positives]
    values = np.array([np.nan if event.value is None else event.value for event in positives])
    state.user_categories.count(user_rows, [of_item.categories for of_item in labels], values)
    state.user_tags.count(user_rows, [of_item.tags for of_item in labels], values)


def count_history(state: TrainerState, events: Events) -> NDArray[np.float64]:
    """Count N events as the stream would have; return (N,) weights as `count_choices` does."""
    starts = range(0, len(events.user_rows), _AT_ONCE)
    batches = [events.at(slice(first, first + _AT_ONCE)) for first in starts]
    return np.concatenate([count_choices(state, batch) for batch in batches])
