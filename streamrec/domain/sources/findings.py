"""Findings: all that was read for one request, which the sources propose from."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.category_table import Glance
from streamrec.domain.popularity.ranked_item import RankedItem
from streamrec.domain.popularity.recency import AGE_DECAY, N_LAST, distinct_newest_first, newest_times
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.ranking.scene import Scene, worth
from streamrec.domain.ranking.shared_categories import shared_categories
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.similarity.neighbour import Neighbours
from streamrec.domain.similarity.visits import Visits
from streamrec.domain.sources.request_context import RequestContext


class Visited(NamedTuple):
    """Neighbours of a history: N distinct items, and (N,) scores by either count; 0: not to be offered."""

    item_ids: Sequence[str]
    together: NDArray[np.float64]
    after: NDArray[np.float64]


class Nearest(NamedTuple):
    """Items that the index has nearest to something.

    Attributes
    ----------
    generation
        Of the model whose vectors these are; None: whichever is current.
    """

    ranking: Proposal[str]
    generation: str | None


class Findings(msgspec.Struct, frozen=True, dict=True):
    """Values read for a request; a part that did not answer has left its field empty.

    Attributes
    ----------
    nearest
        To the user's vector, or to the item that an unknown user looks at; None: there are no such vectors.
    neighbours
        Of the user's last items; of an unknown user's, that is the item looked at.
    rankings
        Head of each ranking that was asked for, within the wanted categories, by window.
    categories
        Of items, as far as they are at hand; None: nothing is known of any.
    failed
        Names of the parts that did not answer.
    """

    context: RequestContext
    nearest: Nearest | None = None
    neighbours: Mapping[str, Neighbours] = {}
    rankings: Mapping[str, Sequence[RankedItem]] = {}
    categories: Glance | None = None
    failed: frozenset[str] = frozenset()

    @property
    def generation(self) -> str | None:
        """Of the index that answered; None when none did."""
        return None if self.nearest is None else self.nearest.generation

    @cached_property
    def history(self) -> list[str]:
        """Newest distinct items that are gone by, newest first."""
        return distinct_newest_first(self.context.recent, N_LAST)

    @property
    def of_looked_at(self) -> Neighbours:
        """Neighbours of the item looked at; none where there is no such item."""
        return self.neighbours.get(self.context.item_id or "", Neighbours())

    # Several sources read it, and it is most of what proposing takes.
    @cached_property
    def visits(self) -> Visits:
        """Neighbours of the history."""
        return Visits(self.history, self.neighbours)

    @cached_property
    def visited(self) -> Visited:
        """Sums over the neighbours of the history."""
        visits = self.visits
        are_wanted = self.context.wanted(visits.item_ids)
        return Visited(
            visits.item_ids,
            np.where(are_wanted, visits.together, 0.0),
            np.where(are_wanted, visits.after, 0.0),
        )

    @cached_property
    def asker(self) -> Asker:
        """User who asks, as a blend sees them."""
        context = self.context
        times = newest_times(context.recent, context.recent_at, N_LAST)
        ages_s = tuple(max(0.0, context.time.now - at) for at in times)
        return Asker(context.n_events, context.is_new_only, ages_s, context.time.scale_s)

    def scene(self, item_ids: Sequence[str]) -> Scene:
        """Return N candidates before the history."""
        similar, follows = self.visits.beside(item_ids)
        shared = None
        if self.categories is not None and self.history:
            numbers = self.categories.of([*item_ids, *self.history])
            shared = shared_categories(numbers[: len(item_ids)], numbers[len(item_ids) :])
        return Scene.of(similar, follows, worth(self.asker.ages_s, self.asker.scale_s), shared)

    def added_by_history(
        self, item_id: str, scores_of: Callable[[Neighbours], Sequence[float]]
    ) -> dict[str, float]:
        """Return what each item of the history adds to the score of one, by either column of neighbours."""
        added: dict[str, float] = {}
        for age, id_ in enumerate(self.history):
            near = self.neighbours.get(id_)
            if near is not None and item_id in near.item_ids:
                score = scores_of(near)[near.item_ids.index(item_id)]
                if score:
                    added[id_] = score * AGE_DECAY**age
        return added

    def without(self, item_id: str) -> "Findings":
        """Return the same findings for a user who never chose an item nor looks at it."""
        return msgspec.structs.replace(self, context=self.context.without(item_id))
