"""Publishing of rankings to the hot cache, and their removal."""

from collections.abc import Mapping
from itertools import islice

from streamrec.domain.events.weights import EventWeights
from streamrec.domain.items.item import ItemVersions, deleted_item
from streamrec.domain.ranking.published_blend import Blend
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.publishing.cohorts import CohortTurns
from streamrec.publishing.publications import Status
from streamrec.publishing.publisher import Publisher
from streamrec.publishing.views import blend_of, ranking_names, rankings

_ALL_NAMES_EVERY_S = 300.0
"""A cache may lose, or be given back from a backup, what it holds without a word."""


_HIDDEN_EVERY_S = 6 * 3600.0
"""Hidden items are known as such in the cache whatever became of the store: those of any age, so often."""

_MAX_HIDDEN = 100_000
"""Some 10 MB of the cache."""

_MAX_CHANGES = 100_000
"""Items that wait for a cache that is away; of those beyond, the oldest are seen when the copies end."""


class RankingPublishing:
    """Makes the statuses that the trainer publishes.

    A category without items is published as empty, which removes its rankings. What others left behind (an
    earlier generation, a trainer that crashed in between, a publication that failed) is removed by naming all
    rankings there are: at the start, after every failure of the cache, and every few minutes.
    """

    def __init__(
        self, state: TrainerState, categories: ItemCategories, weights: EventWeights, publisher: Publisher
    ) -> None:
        self._state = state
        self._weights = weights
        self._categories = categories
        self._cohorts = CohortTurns(state)
        self._publisher = publisher
        self._names_due = float("-inf")
        self._hidden_due = float("-inf")
        self._n_failures = publisher.n_cache_failures
        self._changed = ItemVersions({}, {})
        self._handed = ItemVersions({}, {})

    def note_changes(self, items: ItemVersions) -> None:
        """Let items that changed wait: whoever changed them may not have reached the cache."""
        self._changed.items.update(items.items)
        self._changed.versions.update(items.versions)
        for item_id in list(islice(self._changed.items, max(0, len(self._changed.items) - _MAX_CHANGES))):
            del self._changed.items[item_id]
            self._changed.versions.pop(item_id, None)

    def status(self, counters: Mapping[str, float], now: float) -> Status:
        """Return what the hot cache shows from now on (Unix seconds)."""
        n_failures = self._publisher.n_cache_failures
        has_failed, self._n_failures = n_failures != self._n_failures, n_failures
        if has_failed:
            self._cohorts.begin_again()
        of_cohorts = self._cohorts.next()
        names = None
        if now >= self._names_due or has_failed:
            names = ranking_names(self._state, self._categories.names) | self._cohorts.names
            self._names_due = now + _ALL_NAMES_EVERY_S
        if now >= self._hidden_due or has_failed:
            self._note_all_hidden()
            self._hidden_due = now + _HIDDEN_EVERY_S
        items, versions = self._next_changes(has_failed=has_failed)
        ranked = rankings(self._state, self._categories.in_turn()) | of_cohorts
        return Status(
            ranked,
            counters=counters,
            blend=self.blend(),
            names=names,
            items=list(items.values()),
            versions=versions,
        )

    def blend(self) -> Blend:
        """Return how sources are blended, with the cohorts whose rankings are out."""
        return blend_of(self._state, self._weights, self._cohorts.published)

    def _note_all_hidden(self) -> None:
        """Let the hidden items wait, without their versions: where the cache knows of any, it stays so."""
        for item_id in islice(self._state.hidden_items, _MAX_HIDDEN):
            self._changed.items.setdefault(item_id, deleted_item(item_id))

    def _next_changes(self, *, has_failed: bool) -> ItemVersions:
        changed, self._changed = self._changed, ItemVersions({}, {})
        if has_failed:
            changed = ItemVersions(
                self._handed.items | changed.items, self._handed.versions | changed.versions
            )
        self._handed = changed
        return changed
