"""What a choice counts, before anything is learned from it: popularity, newness, a user's share."""

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.prequential import Events
from streamrec.training.trainer_state import TrainerState

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


def count_history(state: TrainerState, events: Events) -> NDArray[np.float64]:
    """Count N events as the stream would have; return (N,) weights as `count_choices` does."""
    starts = range(0, len(events.user_rows), _AT_ONCE)
    batches = [events.at(slice(first, first + _AT_ONCE)) for first in starts]
    return np.concatenate([count_choices(state, batch) for batch in batches])
