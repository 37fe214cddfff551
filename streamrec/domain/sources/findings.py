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
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers
from streamrec.domain.similarity.neighbour import NONE_NEAR, Near
from streamrec.domain.similarity.visits import Visits
from streamrec.domain.sources.in_context import NO_CATEGORIES, NO_WEIGHTS, NO_WORDS, columns_in_context
from streamrec.domain.sources.request_context import RequestContext

_CHOSEN = (ALL_TIME, LATELY)
"""Windows that tell how often people chose something."""


class _Contents(NamedTuple):
    """Metadata as `columns_in_context` takes it."""

    of_candidates: NDArray[np.int16]
    of_last: NDArray[np.int16]
    words: NDArray[np.int16]
    words_of_last: NDArray[np.int16]
    weights: NDArray[np.float32]


_NO_CONTENTS = _Contents(NO_CATEGORIES, NO_CATEGORIES, NO_WORDS, NO_WORDS, NO_WEIGHTS)


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
    fulfilling
        Items that fulfil the context's conditions; None: there are none, or it is not known.
    failed
        Names of the parts that did not answer.
    """

    context: RequestContext
    items: ItemNumbers
    nearest: Nearest | None = None
    neighbours: Mapping[str, Near] = {}
    rankings: Mapping[str, RankedNumbers] = {}
    categories: Glance | None = None
    fulfilling: Numbers | None = None
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

    def in_context(self, numbers: Numbers) -> NDArray[np.float32]:
        """Return the (K, N) columns that describe N candidates before the history."""
        near, logits = self._of_model()
        ever, lately = (self.rankings.get(window, NOTHING_RANKED) for window in _CHOSEN)
        return columns_in_context(
            numbers,
            self.visits.near,
            self.visits.counts,
            np.array(self.asker.ages_s, np.float64),
            self.asker.scale_s,
            *self._contents(numbers),
            near,
            logits,
            *ever,
            *lately,
            self.items.marks,
        )

    def added_by_history(self, item_id: str, column: int) -> dict[str, float]:
        """Return what each item of the history adds to the score of one, by a column of its neighbours."""
        (number,) = self.items.known([item_id]).tolist()
        added = self.visits.added_by_age(number, column)
        return {self.history[age]: amount for age, amount in enumerate(added) if amount}

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
        only = self.items.known_among(self.context.only) if self.context.only else None
        if only is None or self.fulfilling is None:
            return self.fulfilling if only is None else only
        return np.intersect1d(only, self.fulfilling)

    def _contents(self, numbers: Numbers) -> _Contents:
        """Return the metadata of N candidates and of the history; nobody's where nothing is known."""
        glance, history = self.categories, self.history
        if glance is None or not history:
            return _NO_CONTENTS
        return _Contents(
            glance.of_numbers(self.items, numbers),
            glance.of(history),
            glance.words_of_numbers(self.items, numbers),
            glance.words_of(history),
            glance.weights,
        )

    def _of_model(self) -> tuple[Numbers, NDArray[np.float64]]:
        """Return the items nearest to the user's own vector, and their logits."""
        if self.nearest is None or self.context.vector is None:
            return NOTHING_RANKED
        return self.nearest.ranking.numbers, self.nearest.ranking.scores
