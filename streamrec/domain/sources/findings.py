"""Findings: all that was read for one request, which the sources propose from."""

from collections.abc import Mapping, Sequence
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
from streamrec.domain.similarity.visits import NOBODY, Amounts, Visits
from streamrec.domain.sources.in_context import NO_CONTENTS, NO_ROWS, Known, Past, columns_in_context
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
        return Asker(context.n_events, context.is_new_only, self.ages_s(N_LAST), context.time.scale_s)

    def ages_s(self, n: int) -> tuple[float, ...]:
        """Return the seconds since each of the last N items was chosen, as far as they are known."""
        context = self.context
        times = newest_times(context.recent, context.recent_at, n)
        return tuple(max(0.0, context.time.now - at) for at in times)

    @property
    def left_out(self) -> NDArray[np.bool_]:
        """Of each number, whether it may not be offered; to be read before other findings are asked."""
        return self.items.left_out(self._banned, self._only)

    def in_context(self, numbers: Numbers) -> NDArray[np.float32]:
        """Return the (K, N) columns that describe N candidates before the history."""
        rows = self.rows_of(numbers)
        past = self.past(self.visits.near, self.visits.counts, self.history, self.asker.ages_s)
        scale_s = self.context.time.scale_s
        arrays = (*past, *self.known())
        return columns_in_context(numbers, rows, NOBODY, scale_s, *arrays, self.items.marks)

    def rows_of(self, numbers: Numbers) -> Numbers:
        """Return where metadata stands, by number, at least that of N; `NO_ROWS` where nothing is known."""
        if self.categories is None or not self.history:
            return NO_ROWS
        return self.categories.rows_by_number(self.items, numbers)

    def past(self, near: Amounts, counts: Numbers, history: Sequence[str], ages_s: Sequence[float]) -> Past:
        """Return a history with its neighbours, see `joined`, as arrays."""
        rows = NO_ROWS if self.categories is None else self.categories.rows(history)
        return Past(near, counts, np.array(ages_s, np.float64), rows)

    def known(self) -> Known:
        """Return what is known of items until metadata is put in."""
        contents = NO_CONTENTS
        if self.categories is not None:
            table = self.categories.table
            contents = table.categories, table.words, table.weights
        ever, lately = (self.rankings.get(window, NOTHING_RANKED) for window in _CHOSEN)
        return Known(*contents, *self._of_model(), *ever, *lately)

    def added_by_history(self, item_ids: Sequence[str], column: int) -> list[dict[str, float]]:
        """Return what each item of the history adds to the scores of some, by a column of its neighbours."""
        added = self.visits.added(self.items.known(item_ids), column).tolist()
        return [
            {item_id: amount for item_id, amount in zip(self.history, of_item, strict=False) if amount}
            for of_item in added
        ]

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

    def _of_model(self) -> tuple[Numbers, NDArray[np.float64]]:
        """Return the items nearest to the user's own vector, and their logits."""
        if self.nearest is None or self.context.vector is None:
            return NOTHING_RANKED
        return self.nearest.ranking.numbers, self.nearest.ranking.scores
