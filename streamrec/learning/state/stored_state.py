"""A state's way into a checkpoint and back, part by part."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import structlog
import torch

from models.checkpoint import Checkpoint, TensorsUnder
from streamrec.domain.events.stream_clock import StreamClock
from streamrec.domain.generations.roles import PromotionRequest
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.state_part import Entries, StatePart
from streamrec.errors import UnfitState
from streamrec.learning.state.counters import Counters
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import Offsets

_LEARNER = "learner"

_ENTRIES = "parts"
"""Key in a checkpoint's state of the parts' values that are no arrays, each under its name."""

_ENTRIES_OF = {
    "users": ("disliked",),
    "user_categories": ("user_labels", "categories"),
    "user_tags": ("user_labels", "tags"),
}
"""Parts that have theirs elsewhere: where the first versions wrote them."""


def to_checkpoint(state: TrainerState, next_offsets: Offsets) -> Checkpoint:
    """Describe a state as of `next_offsets`; the tensors are shared with the state, not copied.

    It names no item that was forgotten: whoever restores it may give all free rows to others.
    """
    while state.sweep():
        pass
    tensors = {f"{_LEARNER}/{name}": tensor for name, tensor in state.learner.state_tensors().items()}
    written: dict[str, Any] = {
        "generation": state.generation,
        "learning": state.learning.model_dump(),
        "changelog_lane": state.changelog_slot,
        "log": state.log,
        "user_ids": state.user_ids.by_row(),
        "item_ids": state.item_ids.by_row(),
        "event_ids": state.repeats.oldest_first(),
        "deleted_items": list(state.deleted_items),
        "promotions_asked": state.promotions_asked,
        "hidden_items": sorted(state.hidden_items),
        "clock": state.clock.state(),
        "counters": msgspec.structs.asdict(state.counters),
        "next_offsets": next_offsets,
    }
    for name, part in state.parts.items():
        tensors |= {f"{name}/{key}": torch.from_numpy(array) for key, array in part.arrays().items()}
        entries = part.entries()
        if entries is not None:
            *folders, last = _path_of_entries(name)
            folder = written
            for key in folders:
                folder = folder.setdefault(key, {})
            folder[last] = entries
    return Checkpoint(tensors, written)


def restore(state: TrainerState, checkpoint: Checkpoint) -> Offsets:
    """Bring a fresh state to where the checkpoint was written; return where the stream goes on.

    A part that is not in the checkpoint, or does not fit what it holds, stays as new, and a warning says so:
    its counts begin again, while all else goes on. Without model, ids, clock or counters nothing goes on.
    """
    written: dict[str, Any] = checkpoint.state
    state.generation, state.log = written["generation"], written.get("log", "")
    state.changelog_slot = written.get("changelog_lane", 0)
    state.user_ids = IdMap(written["user_ids"], may_be_many=True)
    state.item_ids = IdMap(written["item_ids"])
    state.learner.load_state_tensors(TensorsUnder(f"{_LEARNER}/", checkpoint.tensors))
    state.clock = StreamClock.restored(written["clock"])
    for event_id in written["event_ids"]:
        state.repeats.add(event_id)
    state.deleted_items |= written["deleted_items"]  # a set from before they were in order, perhaps
    state.promotions_asked = msgspec.convert(written.get("promotions_asked", []), list[PromotionRequest])
    state.hidden_items = set(written.get("hidden_items", ()))
    state.counters = msgspec.convert(written["counters"], Counters)
    _restore_parts(state, checkpoint)
    return msgspec.convert(written["next_offsets"], Offsets, strict=False)


def _restore_parts(state: TrainerState, checkpoint: Checkpoint) -> None:
    unfit = {
        name: "; ".join(reasons)
        for name, part in state.parts.items()
        if (reasons := list(_load(name, part, checkpoint)))
    }
    for name, reason in unfit.items():
        structlog.get_logger().warning("state_part_starts_afresh", part=name, reason=reason)
    for name in sorted(_stored_names(checkpoint) - {_LEARNER, *state.parts}):
        structlog.get_logger().warning(
            "unknown_state_part_left_out", part=name, reason="another version wrote it"
        )
    state.users.grow_to(state.user_ids.n_rows)
    # Of what was published nothing is known then: all of it is to come.
    if "dirty_users" in unfit:
        state.dirty_users.mark(np.arange(state.user_ids.n_rows), now=0.0)
    if "dirty_items" in unfit:
        state.dirty_items.mark(np.arange(state.item_ids.n_rows), now=0.0)


def _load(name: str, part: StatePart, checkpoint: Checkpoint) -> Iterator[str]:
    """Load a part as far as it fits; yield what is wrong with the rest."""
    entries = _entries_of(name, checkpoint.state)
    tensors = TensorsUnder(f"{name}/", checkpoint.tensors)
    if entries is None and not tensors:
        yield "the checkpoint is from before there was such a part"
        return
    try:
        if entries is not None:
            part.load_entries(entries)
        part.load_arrays({key: tensor.numpy() for key, tensor in tensors.items()})
    except UnfitState as error:
        yield str(error)


def _entries_of(name: str, written: Mapping[str, Any]) -> Entries:
    """Return what a part has that is no array; None when it has nothing."""
    found: Entries = written
    for key in _path_of_entries(name):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _path_of_entries(name: str) -> tuple[str, ...]:
    return _ENTRIES_OF.get(name, (_ENTRIES, name))


def _stored_names(checkpoint: Checkpoint) -> set[str]:
    return {name.partition("/")[0] for name in checkpoint.tensors} | {*checkpoint.state.get(_ENTRIES, {})}
