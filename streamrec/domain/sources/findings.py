"""Findings: all that was read for one request, which the sources propose from."""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.category_table import Glance
from streamrec.domain.popularity.counts import ALL_TIME, LATELY
from streamrec.domain.popularity.ranked_item import NOTHING_RANKED, RankedNumbers
from streamrec.domain.popularity.recency import N_LAST, distinct_newest_first, newest_times
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.ranking.scene import Scene, worth
from streamrec.domain.ranking.shared_categories import SharedCategories, shared_categories
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.rows.compiled import compiled
from streamrec.domain.rows.item_numbers import ItemNumbers, Marks, Numbers
from streamrec.domain.rows.places import mark_places
from streamrec.domain.similarity.neighbour import NONE_NEAR, Near
from streamrec.domain.similarity.visits import Visits
from streamrec.domain.sources.request_context import RequestContext

_CHOSEN = (ALL_TIME, LATELY)
"""Windows that tell how often people chose something."""


class Nearest(NamedTuple):
    """Items that the index has nearest to something.

    Attributes
    ----------
    generation
        Of the model whose vectors these are; None: whichever is current.
    """

    ranking: Proposal
    generation: str | None


class Findings(msgspec.Struct, frozen=True, dict=True):
    """Values read for a request; a part that did not answer has left its field empty.

    Attributes
    ----------
    items
        That gave the items their numbers.
    nearest
        To the user's vector, or to the item that an unknown user looks at; None: there are no such vectors.
    neighbours
        Of the user's last items, by id; of an unknown user's, that is the item looked at.
    rankings
        Head of each ranking that was asked for, within the wanted categories, by window.
    categories
        Of items, as far as they are at hand; None: nothing is known of any.
    failed
        Names of the parts that did not answer.
    """

    context: RequestContext
    items: ItemNumbers
    nearest: Nearest | None = None
    neighbours: Mapping[str, Near] = {}
    rankings: Mapping[str, RankedNumbers] = {}
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
    def of_looked_at(self) -> Near:
        """Neighbours of the item looked at; none where there is no such item."""
        return self.neighbours.get(self.context.item_id or "", NONE_NEAR)

    # Several sources read it, and it is most of what proposing takes.
    @cached_property
    def visits(self) -> Visits:
        """Neighbours of the history."""
        return Visits(self.history, self.neighbours, self.items)

    @cached_property
    def asker(self) -> Asker:
        """User who asks, as a blend sees them."""
        context = self.context
        times = newest_times(context.recent, context.recent_at, N_LAST)
        ages_s = tuple(max(0.0, context.time.now - at) for at in times)
        return Asker(context.n_events, context.is_new_only, ages_s, context.time.scale_s)

    @property
    def left_out(self) -> NDArray[np.bool_]:
        """Of each number, whether it may not be offered; to be read before other findings are asked."""
        return self.items.left_out(self._banned, self._only)

    def scene(self, numbers: Numbers) -> Scene:
        """Return N candidates before the history."""
        similar, follows = self.visits.beside(numbers)
        of_history = worth(self.asker.ages_s, self.asker.scale_s)
        return Scene.of(
            similar,
            follows,
            of_history,
            self._shared(numbers),
            self._below_best(numbers),
            self._chosen(numbers),
        )

    def added_by_history(self, item_id: str, amounts: NDArray[np.float64]) -> dict[str, float]:
        """Return what each item of the history adds to the score of one, by either column of `visits`."""
        (number,) = self.items.known([item_id]).tolist()
        added = self.visits.added_by_age(number, amounts)
        return {self.history[age]: amount for age, amount in added.items() if amount}

    def without(self, item_id: str) -> "Findings":
        """Return the same findings for a user who never chose an item nor looks at it."""
        found = msgspec.structs.replace(self, context=self.context.without(item_id))
        # What may be offered stays as it is, and need not be looked up again.
        found.__dict__.update(_banned=self._banned, _only=self._only)
        return found

    @cached_property
    def _banned(self) -> Numbers:
        return self.items.known_among(self.context.banned)

    @cached_property
    def _only(self) -> Numbers | None:
        return self.items.known_among(self.context.only) if self.context.only else None

    def _shared(self, numbers: Numbers) -> SharedCategories | None:
        """Return what N candidates share with the history; None where nothing is known."""
        if self.categories is None or not self.history:
            return None
        of_candidates = self.categories.of_numbers(self.items, numbers)
        return shared_categories(of_candidates, self.categories.of(self.history))

    def _below_best(self, numbers: Numbers) -> NDArray[np.float32]:
        """Return (N,) how far each lies below the user's best by the model; infinite: not known."""
        if self.nearest is None or self.context.vector is None or not len(self.nearest.ranking.numbers):
            return np.full(len(numbers), np.inf, np.float32)
        near, scores, _ = self.nearest.ranking
        return _below_best(numbers, near, scores, self.items.marks)

    def _chosen(self, numbers: Numbers) -> NDArray[np.float32]:
        """Return (2, N) how often each was chosen; 0 where the window's ranking does not hold it."""
        chosen = np.zeros((len(_CHOSEN), len(numbers)), np.float32)
        for window, row in zip(_CHOSEN, chosen, strict=True):
            ranked = self.rankings.get(window, NOTHING_RANKED)
            _set_scores(row, numbers, ranked.numbers, ranked.scores, self.items.marks)
        return chosen


@compiled
def _set_scores(
    found: NDArray[np.float32], numbers: Numbers, ranked: Numbers, scores: NDArray[np.float64], marks: Marks
) -> None:
    mark_places(marks, numbers, ranked)
    for row, number in enumerate(numbers):
        if marks[number] >= 0:
            # Whoever wrote a score below 0, such as by another rule, has counted nobody.
            found[row] = max(scores[marks[number]], 0.0)


@compiled
def _below_best(
    numbers: Numbers, near: Numbers, scores: NDArray[np.float64], marks: Marks
) -> NDArray[np.float32]:
    mark_places(marks, numbers, near)
    below = np.empty(len(numbers), np.float32)
    for row, number in enumerate(numbers):
        place = marks[number]
        below[row] = scores[0] - scores[place] if place >= 0 else np.inf
    return below
