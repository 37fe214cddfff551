"""Taking back of what users said of items."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.observed import Retracted
from streamrec.learning.rules import LabelsOf
from streamrec.learning.state.trainer_state import TrainerState


def take_back(
    state: TrainerState, events: Sequence[Interaction], labels_of: LabelsOf, now: float
) -> NDArray[np.int64]:
    """Take back what the users of B events said of their items so far; return the distinct rows of users.

    Of a user who is not known nothing is, and nobody becomes known by this. Whoever has taken everything back
    is as new, the own row included; of others, what was learned from it stays mixed into the own row.

    Parameters
    ----------
    now
        Unix seconds, from when on the users' vectors count as waiting to be published.
    """
    newest: dict[tuple[str, str], float] = {}
    for event in events:
        pair = event.user_id, event.item_id
        newest[pair] = max(event.timestamp, newest.get(pair, event.timestamp))
    known = [pair for pair in newest if pair[0] in state.user_ids]
    if not known:
        return np.zeros(0, np.int64)
    item_ids = [item_id for _, item_id in known]
    user_rows = state.user_ids.rows_of([user_id for user_id, _ in known])
    item_rows = state.item_ids.rows_of(item_ids)
    is_known, n_choices = item_rows >= 0, np.zeros(len(known), np.int64)
    n_choices[is_known] = state.learner.forget_pairs(user_rows[is_known], item_rows[is_known])
    pairs = Retracted(
        user_rows,
        item_rows=item_rows,
        item_ids=item_ids,
        timestamps=np.array([newest[pair] for pair in known], np.float64),
        n_choices=n_choices,
        labels=[labels_of(item_id) for item_id in item_ids],
    )
    for part in state.parts.values():
        part.retract(pairs)
    rows = np.unique(user_rows)
    state.learner.forget_users(rows[state.users.n_events[rows] == 0])
    state.dirty_users.mark(rows, now)
    return rows
