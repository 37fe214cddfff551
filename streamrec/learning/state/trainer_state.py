"""Everything that learning from the stream changes: the model, and the parts that count beside it."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.observed import ObservedEvents
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.events.stream_clock import StreamClock
from streamrec.domain.generations.roles import PromotionRequest
from streamrec.domain.items.new_items import NewItems
from streamrec.domain.popularity.cohort_counts import CohortCounts
from streamrec.domain.popularity.counts import Popularity
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.marked_rows import GoneRows
from streamrec.domain.rows.newest_ids import NewestIds
from streamrec.domain.rows.state_part import StatePart
from streamrec.domain.rows.touched import Touched
from streamrec.domain.similarity.covisitation import CoVisitation, CoVisitationRules
from streamrec.domain.similarity.same_day import SameDayCounts
from streamrec.domain.sources.table import first_blend
from streamrec.domain.users.labels_chosen import UserCategories, UserTags
from streamrec.domain.users.shares import UserShares
from streamrec.learning.learner import Learner
from streamrec.learning.state.counters import Counters
from streamrec.learning.state.dirty_rows import DirtyItems, DirtyRows, DirtyUsers
from streamrec.learning.state.leaving_items import LeavingItems
from streamrec.learning.state.user_less import UserLess
from streamrec.learning.state.user_table import UserTable
from streamrec.settings.processes import CoVisitationSettings, LearningSettings, TrainerSettings


class TrainerState:
    """One generation's model and all that grows with it; a new one has learned nothing.

    A row means the same in every part: `user_ids` and `item_ids` give them out. A part that is set in the
    constructor is thereby one of `parts`: it observes, forgets, and is in checkpoints.

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
        self.n_recent = learning.n_remembered
        self.max_silent_items = settings.max_silent_items
        self.history_length = settings.covisitation.history_length
        # What everything else rests on: without it a generation can't go on.
        self.learner = Learner(learning)
        self.user_ids, self.item_ids = IdMap(may_be_many=True), IdMap()
        self.clock = StreamClock()
        self.counters = Counters()
        self.repeats = RecentIds(settings.dedupe_window)
        self.deleted_items = NewestIds(settings.max_deleted_items)
        self.hidden_items: set[str] = set()
        self.promotions_asked: list[PromotionRequest] = []
        self._make_parts(settings)
        self._leaving = LeavingItems()
        # No part: after a start all neighbours are published again.
        self.dirty_neighbours = DirtyRows()

    def _make_parts(self, settings: TrainerSettings) -> None:
        """Make each part, in the order in which they observe; their names are those in checkpoints."""
        self.users = UserTable(settings.max_disliked)
        self.touched = Touched()
        self.user_shares = UserShares(settings.user_cap, settings.user_cap_half_life_s)
        self.popularity = Popularity(settings.popularity_half_lives)
        self.cohorts = CohortCounts(settings.cohorts.rules)
        self.new_items = NewItems(settings.new_item_age_s, settings.new_item_events)
        self.covisitation = CoVisitation(_rules(settings.covisitation))
        self.same_day = SameDayCounts(settings.covisitation.same_day_items)
        self.user_categories = UserCategories()
        self.user_tags = UserTags()
        self.user_less = UserLess()
        self.blend = first_blend(self.learning.seed)
        self.dirty_items = DirtyItems()
        self.dirty_users = DirtyUsers()

    @property
    def parts(self) -> dict[str, StatePart]:
        """Return every part, by name."""
        return {name: part for name, part in vars(self).items() if isinstance(part, StatePart)}

    def observe(self, events: ObservedEvents, now: float) -> dict[str, float]:
        """Let every part count B events; return the seconds that each took.

        Parameters
        ----------
        now
            Unix seconds, from when on neighbours that changed count as waiting to be published.
        """
        took_s = {}
        for name, part in self.parts.items():
            started = time.perf_counter()
            changed = part.observe(events)
            if changed is not None:
                self.dirty_neighbours.mark(changed, now)
            took_s[name] = time.perf_counter() - started
        return took_s

    def forget_users(self, user_ids: Sequence[str]) -> NDArray[np.int64]:
        """Forget users as far as they are known; return (B,) their rows, free now; of unknown ones -1."""
        rows = self.user_ids.rows_of(user_ids)
        known = [user_id for user_id in dict.fromkeys(user_ids) if user_id in self.user_ids]
        released = np.array([self.user_ids.release(user_id) for user_id in known], np.int64)
        if len(released):
            self.learner.forget_users(released)
            for part in self.parts.values():
                part.forget_users(released)
        return rows

    def forget_items(self, item_ids: Sequence[str]) -> None:
        """Forget items as far as they are known; with its next event, if there is one, each is new.

        Their rows get new owners once `sweep` has been through all tables that may name them.
        """
        known = [item_id for item_id in dict.fromkeys(item_ids) if item_id in self.item_ids]
        rows = np.array([self.item_ids.withdraw(item_id) for item_id in known], np.int64)
        if len(rows):
            self.learner.forget_items(rows)
            for part in self.parts.values():
                self._note_changed(part.forget_items(rows))
            self._leaving.add(rows)

    def mark_all(self, now: float) -> None:
        """Let all vectors wait to be published, from Unix seconds on."""
        self.dirty_items.mark(np.arange(self.item_ids.n_rows), now, go_first=True)
        self.dirty_users.mark(np.arange(self.user_ids.n_rows), now)

    @property
    def _swept(self) -> list[GoneRows]:
        return [*self.learner.swept, *(gone for part in self.parts.values() for gone in part.swept)]

    def sweep(self) -> bool:
        """Go through a part of the tables that may name forgotten items; return whether more is to do."""
        for changed in self._leaving.go_on(self._swept, self.item_ids):
            self._note_changed(changed)
        return bool(self._leaving)

    def _note_changed(self, item_rows: NDArray[np.int64] | None) -> None:
        """Let items be published first of all whose neighbours changed: they named what is gone."""
        if item_rows is not None:
            self.dirty_neighbours.mark(item_rows, now=0.0)


def _rules(settings: CoVisitationSettings) -> CoVisitationRules:
    return CoVisitationRules(
        n_kept=settings.n_kept,
        distance_decay=settings.distance_decay,
        shrinkage=settings.shrinkage,
        half_life_s=settings.half_life_s,
    )
