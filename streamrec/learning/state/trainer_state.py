"""Everything that learning from the stream changes, and its way into a checkpoint and back."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.checkpoint import Checkpoint, TensorsUnder
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.events.stream_clock import StreamClock
from streamrec.domain.generations.roles import PromotionRequest
from streamrec.domain.items.new_items import NewItems
from streamrec.domain.popularity.counts import Popularity
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.newest_ids import NewestIds
from streamrec.domain.rows.touched_rows import Touched
from streamrec.domain.similarity.covisitation import CoVisitation, CoVisitationRules
from streamrec.domain.similarity.same_day import SameDayCounts
from streamrec.domain.users.labels import UserLabels
from streamrec.domain.users.shares import UserShares
from streamrec.learning.learner import Learner
from streamrec.learning.state.counters import Counters
from streamrec.learning.state.dirty_rows import DirtyRows
from streamrec.learning.state.user_table import UserTable
from streamrec.ports import Offsets
from streamrec.serving.sources.ranked_sources import SOURCES
from streamrec.settings.processes import CoVisitationSettings, LearningSettings, TrainerSettings


class TrainerState:
    """One generation's model and all that grows with it; a new one has learned nothing.

    A row means the same in every part: `user_ids` and `item_ids` give them out.

    Attributes
    ----------
    learning
        The settings that the generation was trained with: it streams with them too.
    hidden_items
        Ids that are learned of and not published; see `hidden_items.follow`.
    changelog_slot
        0 or 1; generations that are served side by side have different ones, see `changelog_key`.
    promotions_asked
        Commands that were read and are neither refused nor begun; see `promotion.role_end`.
    log
        Identity of the log that was learned from; empty where it has none.
    """

    def __init__(self, generation: str, learning: LearningSettings, settings: TrainerSettings) -> None:
        self.generation, self.learning = generation, learning
        self.changelog_slot = 0
        self.log = ""
        self.learner = Learner(learning)
        self.n_recent = learning.n_remembered
        self.popularity = Popularity(settings.popularity_half_lives)
        self.user_shares = UserShares(settings.user_cap, settings.user_cap_half_life_s)
        self.new_items = NewItems(settings.new_item_age_s, settings.new_item_events)
        self.max_silent_items = settings.max_silent_items
        self.history_length = settings.covisitation.history_length
        self.covisitation = CoVisitation(_rules(settings.covisitation))
        self.same_day = SameDayCounts(settings.covisitation.same_day_items)
        self.blend = BlendRanker(SOURCES, learning.seed)
        self.clock = StreamClock()
        self.user_ids, self.item_ids = IdMap(), IdMap()
        self.users = UserTable(settings.max_disliked)
        self.user_categories, self.user_tags = UserLabels(), UserLabels()
        self.repeats = RecentIds(settings.dedupe_window)
        self.touched = Touched()
        self.deleted_items = NewestIds(settings.max_deleted_items)
        self.promotions_asked: list[PromotionRequest] = []
        self.hidden_items: set[str] = set()
        self.counters = Counters()
        self.dirty_items, self.dirty_users = DirtyRows(), DirtyRows()
        # Not in the checkpoint: after a start all neighbours are published again.
        self.dirty_neighbours = DirtyRows()


def to_checkpoint(state: TrainerState, next_offsets: Offsets) -> Checkpoint:
    """Describe a state as of `next_offsets`; the tensors are shared with the state, not copied."""
    parts: dict[str, dict[str, Tensor]] = {
        "learner": state.learner.state_tensors(),
        "popularity": _tensors(state.popularity.arrays()),
        "user_shares": _tensors(state.user_shares.arrays()),
        "new_items": _tensors(state.new_items.arrays()),
        "covisitation": _tensors(state.covisitation.arrays()),
        "same_day": _tensors(state.same_day.arrays()),
        "blend": _tensors(state.blend.arrays()),
        "users": _tensors(state.users.arrays()),
        "user_categories": _tensors(state.user_categories.arrays()),
        "user_tags": _tensors(state.user_tags.arrays()),
        "touched": _tensors(state.touched.arrays()),
        "dirty_items": {"since": torch.from_numpy(state.dirty_items.since())},
        "dirty_users": {"since": torch.from_numpy(state.dirty_users.since())},
    }
    return Checkpoint(
        {f"{part}/{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()},
        {
            "generation": state.generation,
            "learning": state.learning.model_dump(),
            "changelog_lane": state.changelog_slot,
            "log": state.log,
            "user_ids": state.user_ids.by_row(),
            "item_ids": state.item_ids.by_row(),
            "disliked": [(row, list(item_ids)) for row, item_ids in state.users.disliked.items()],
            "user_labels": {
                "categories": state.user_categories.names(),
                "tags": state.user_tags.names(),
            },
            "event_ids": state.repeats.oldest_first(),
            "deleted_items": list(state.deleted_items),
            "promotions_asked": state.promotions_asked,
            "hidden_items": sorted(state.hidden_items),
            "clock": state.clock.state(),
            "counters": msgspec.structs.asdict(state.counters),
            "next_offsets": next_offsets,
        },
    )


def restore(state: TrainerState, checkpoint: Checkpoint) -> Offsets:
    """Bring a fresh state to where the checkpoint was written; return where the stream goes on."""
    written: dict[str, Any] = checkpoint.state
    state.generation, state.log = written["generation"], written.get("log", "")
    state.changelog_slot = written.get("changelog_lane", 0)
    state.user_ids, state.item_ids = IdMap(written["user_ids"]), IdMap(written["item_ids"])
    state.learner.load_state_tensors(TensorsUnder("learner/", checkpoint.tensors))
    for name in ("popularity", "user_shares", "new_items", "covisitation", "blend", "touched"):
        getattr(state, name).load_arrays(_arrays(TensorsUnder(f"{name}/", checkpoint.tensors)))
    if same_day := TensorsUnder("same_day/", checkpoint.tensors):  # else written before days were counted
        state.same_day.load_arrays(_arrays(same_day))
    state.users = UserTable.restored(
        _arrays(TensorsUnder("users/", checkpoint.tensors)),
        written["disliked"],
        state.users.max_disliked,
    )
    state.clock = StreamClock.restored(written["clock"])
    for event_id in written["event_ids"]:
        state.repeats.add(event_id)
    state.deleted_items |= written["deleted_items"]  # a set from before they were in order, perhaps
    state.promotions_asked = msgspec.convert(written.get("promotions_asked", []), list[PromotionRequest])
    state.hidden_items = set(written.get("hidden_items", ()))
    state.counters = msgspec.convert(written["counters"], Counters)
    state.dirty_items = DirtyRows(checkpoint.tensors["dirty_items/since"].numpy().copy())
    if "user_labels" in written:
        _restore_users(state, checkpoint)
    else:  # written before there were profiles, and user vectors in the changelog: all of these are to come
        state.dirty_users.mark(np.arange(state.user_ids.n_rows), now=0.0)
    return msgspec.convert(written["next_offsets"], Offsets, strict=False)


def _restore_users(state: TrainerState, checkpoint: Checkpoint) -> None:
    names = checkpoint.state["user_labels"]
    state.user_categories = UserLabels.restored(
        names["categories"], _arrays(TensorsUnder("user_categories/", checkpoint.tensors))
    )
    state.user_tags = UserLabels.restored(
        names["tags"], _arrays(TensorsUnder("user_tags/", checkpoint.tensors))
    )
    state.dirty_users = DirtyRows(checkpoint.tensors["dirty_users/since"].numpy().copy())


def _rules(settings: CoVisitationSettings) -> CoVisitationRules:
    return CoVisitationRules(
        n_kept=settings.n_kept,
        distance_decay=settings.distance_decay,
        shrinkage=settings.shrinkage,
        half_life_s=settings.half_life_s,
    )


def _tensors(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}
