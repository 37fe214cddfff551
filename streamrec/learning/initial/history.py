"""Events of the past, by column, and the ids that they give a fresh state."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice

import numpy as np

from streamrec.domain.events.interaction import Interaction
from streamrec.learning.absorb import without_deleted
from streamrec.learning.effective import EffectiveEvents, effective_events
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState

_BLOCK = 8192
"""Events held as objects at a time: a history of millions is kept by column only."""


def gather(events: Iterable[Interaction], state: TrainerState, rules: LearningRules) -> EffectiveEvents:
    """Read events into columns of the state's rows; the state gets ids and event ids, and counts nothing yet.

    A repeat, an event of weight 0, and one about an item that was deleted leave nothing.
    """
    blocks = [_gather_block(block, state, rules) for block in _blocks(events)]
    if not blocks:
        blocks = [_gather_block([], state, rules)]
    return EffectiveEvents(
        user_rows=np.concatenate([block.user_rows for block in blocks]),
        item_rows=np.concatenate([block.item_rows for block in blocks]),
        item_ids=list(chain.from_iterable(block.item_ids for block in blocks)),
        timestamps=np.concatenate([block.timestamps for block in blocks]),
        weights=np.concatenate([block.weights for block in blocks]),
        values=np.concatenate([block.values for block in blocks]),
    )


def _blocks(events: Iterable[Interaction]) -> Iterator[list[Interaction]]:
    iterator = iter(events)
    while block := list(islice(iterator, _BLOCK)):
        yield block


def _gather_block(block: list[Interaction], state: TrainerState, rules: LearningRules) -> EffectiveEvents:
    new = [event for event in block if event.event_id is None or state.repeats.add(event.event_id)]
    weights = without_deleted(rules.weights_of(new), new, state.deleted_items)
    gathered = effective_events(
        new,
        weights,
        partial(state.user_ids.rows_of, add=True),
        partial(state.item_ids.rows_of, add=True),
    )
    # The same string for the same item, not one for each event.
    return gathered._replace(item_ids=_known_strings(gathered, state))


def _known_strings(gathered: EffectiveEvents, state: TrainerState) -> Sequence[str]:
    rows = gathered.item_rows.tolist()
    known = [state.item_ids.id_at(row) if row >= 0 else None for row in rows]
    return [known_id or item_id for known_id, item_id in zip(known, gathered.item_ids, strict=True)]
