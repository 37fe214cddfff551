"""Events of the past, by column, and the ids that they give a fresh state."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import RETRACT
from streamrec.learning.absorb import without_deleted
from streamrec.learning.effective import EffectiveEvents, effective_events
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState

TakenBack = dict[tuple[str, str], int]
"""Pairs of user and item that were taken back, and how many events had been gathered by then."""

_BLOCK = 8192
"""Events held as objects at a time: a history of millions is kept by column only."""


def gather(events: Iterable[Interaction], state: TrainerState, rules: LearningRules) -> EffectiveEvents:
    """Read events into columns of the state's rows; the state gets ids and event ids, and counts nothing yet.

    A repeat, an event of weight 0, one about an item that was deleted, and one that was taken back later
    leave nothing.
    """
    taken_back: TakenBack = {}
    blocks, n_gathered = [_gathered([], np.zeros(0), state)], 0
    for block in _blocks(events):
        new = [event for event in block if event.event_id is None or state.repeats.add(event.event_id)]
        weights = without_deleted(rules.weights_of(new), new, state.deleted_items)
        n_before = n_gathered + np.cumsum(weights != 0)  # a retraction itself weighs nothing
        taken_back |= {
            (event.user_id, event.item_id): n
            for event, n in zip(new, n_before.tolist(), strict=True)
            if event.type == RETRACT
        }
        blocks.append(_gathered(new, weights, state))
        n_gathered += len(blocks[-1].item_ids)
    return _left(_together(blocks), taken_back, state)


def _together(blocks: Sequence[EffectiveEvents]) -> EffectiveEvents:
    return EffectiveEvents(
        user_rows=np.concatenate([block.user_rows for block in blocks]),
        item_rows=np.concatenate([block.item_rows for block in blocks]),
        item_ids=list(chain.from_iterable(block.item_ids for block in blocks)),
        timestamps=np.concatenate([block.timestamps for block in blocks]),
        weights=np.concatenate([block.weights for block in blocks]),
        values=np.concatenate([block.values for block in blocks]),
        asks_less=np.concatenate([block.asks_less for block in blocks]),
    )


def _left(gathered: EffectiveEvents, taken_back: TakenBack, state: TrainerState) -> EffectiveEvents:
    """Return what of N events was not taken back; who is in none of these any more is not known."""
    user_ids = {user_id for user_id, _ in taken_back}
    suspects = np.flatnonzero(np.isin(gathered.user_rows, state.user_ids.rows_of(list(user_ids))))
    is_left = np.ones(len(gathered.user_rows), np.bool_)
    for position, row in zip(suspects.tolist(), gathered.user_rows[suspects].tolist(), strict=True):
        pair = state.user_ids.id_at(row) or "", gathered.item_ids[position]
        is_left[position] = position >= taken_back.get(pair, 0)
    if is_left.all():
        return gathered
    left = gathered.where(is_left)
    for ids, before, after in (
        (state.user_ids, gathered.user_rows, left.user_rows),
        (state.item_ids, gathered.item_rows, left.item_rows),
    ):
        for id_ in ids.ids_at(np.setdiff1d(before[before >= 0], after).tolist()):
            ids.release(id_)
    return left


def _blocks(events: Iterable[Interaction]) -> Iterator[list[Interaction]]:
    iterator = iter(events)
    while block := list(islice(iterator, _BLOCK)):
        yield block


def _gathered(
    events: Sequence[Interaction], weights: NDArray[np.float64], state: TrainerState
) -> EffectiveEvents:
    gathered = effective_events(
        events,
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
