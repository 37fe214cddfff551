"""Events of the past, by column, and what they leave in a fresh state besides the model."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.ranking.prequential import Events
from streamrec.learning.absorb import LearningRules, scaled_weights
from streamrec.learning.counting import count_labels
from streamrec.learning.state.trainer_state import TrainerState

_BLOCK = 8192
"""Events held as objects at a time: a history of millions is kept by column only."""


def gather(events: Iterable[Interaction], state: TrainerState, rules: LearningRules) -> Events:
    """Read events into columns of the state's rows; the state gets ids, counts, dislikes and event ids.

    A dislike gives its user a row and its item none; an event of weight 0, or about an item that was deleted,
    leaves nothing.
    """
    blocks = [_gather_block(block, state, rules) for block in _blocks(events)]
    if not blocks:
        no_rows = np.zeros(0, np.int64)
        return Events(no_rows, no_rows, np.zeros(0), np.zeros(0, np.float32))
    return Events(*(np.concatenate(columns) for columns in zip(*blocks, strict=True)))


def _blocks(events: Iterable[Interaction]) -> Iterator[list[Interaction]]:
    iterator = iter(events)
    while block := list(islice(iterator, _BLOCK)):
        yield block


def _gather_block(block: list[Interaction], state: TrainerState, rules: LearningRules) -> Events:
    weighted = [
        (event, rules.weights.of(event.type, event.value))
        for event in block
        if (event.event_id is None or state.repeats.add(event.event_id))
        and event.item_id not in state.deleted_items
    ]
    acting = [event for event, weight in weighted if weight]
    rows = state.user_ids.rows_of([event.user_id for event in acting], add=True)
    state.users.count(rows, np.array([event.timestamp for event in acting]))
    for event, weight in weighted:
        if weight < 0:
            state.users.dislike(state.user_ids.row(event.user_id), event.item_id)
    positives = [(event, weight) for event, weight in weighted if weight > 0]
    user_rows = state.user_ids.rows_of([event.user_id for event, _ in positives])
    count_labels(state, [event for event, _ in positives], user_rows, rules.labels_of)
    item_rows = state.item_ids.rows_of([event.item_id for event, _ in positives], add=True)
    timestamps = np.array([event.timestamp for event, _ in positives])
    state.same_day.add(user_rows, item_rows, timestamps)
    return Events(user_rows, item_rows, timestamps, scaled_weights(positives, user_rows, state, rules))
