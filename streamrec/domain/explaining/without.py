"""Candidates of a look as they would be had the user never chosen one of their items."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.popularity.recency import N_LAST, distinct_newest_first
from streamrec.domain.ranking import user_columns
from streamrec.domain.ranking.candidates import Proposal, layout_of, places_among, united
from streamrec.domain.ranking.context_columns import context_of
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.rows.compiled import compiled
from streamrec.domain.rows.item_numbers import Marks, Numbers
from streamrec.domain.similarity.neighbour import NUMBER, SIMILARITY
from streamrec.domain.similarity.visits import NOBODY, Amounts, joined, summed
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.in_context import Past, columns_in_context
from streamrec.domain.sources.source import Source, best_of
from streamrec.domain.sources.table import COLUMNS, EXTRA

_NO_SUM = -1
"""Column of `Near` for a source that goes by something else."""

_MORE = N_LAST + 1
"""Items of a history: where one of them is left out, the one before the oldest counts."""


class Imagined(NamedTuple):
    """Candidates without one of the user's items; `Described`.

    Attributes
    ----------
    rows
        (M,) rows of the items that are asked about, -1 for those that nobody proposes.
    """

    features: NDArray[np.float32]
    n_sources: int
    segment: str
    rows: Numbers


class _Pool(NamedTuple):
    """Proposals that stand one after the other.

    Attributes
    ----------
    table
        (P, 6) columns of the source's ranks and levels, where its proposal begins, its length, whether its
        scores are logits, and the column of `Near` whose sums it goes by instead, or `_NO_SUM`.
    """

    numbers: Numbers
    scores: Amounts
    table: Numbers
    n_columns: int


class Without:
    """Makes the candidates of a look anew without one item of the user or another.

    Of what was read for the look, what does not depend on the user's items is put together once.

    Parameters
    ----------
    proposals
        Of the look.
    stage
        Sources that were asked.
    n
        Candidates of each at most.
    asked
        (M,) distinct items of which it is told where they stand.
    """

    def __init__(
        self,
        found: Findings,
        proposals: Mapping[str, Proposal],
        stage: Sequence[Source],
        n: int,
        asked: Numbers,
    ) -> None:
        self._found = found
        self._n = n
        self._asked = asked
        self._anew = [source for source in stage if source.is_proposed_anew(found.context)]
        self._sums = {source.name: source.sums for source in stage if source.sums is not None}
        anew = {source.name for source in self._anew}
        self._fixed = {name: one for name, one in proposals.items() if name not in anew | self._sums.keys()}
        self._pool = self._pool_of(self._fixed)
        history = distinct_newest_first(found.context.recent, _MORE)
        self._age_of = {item_id: age for age, item_id in enumerate(history)}
        self._ages_s = found.ages_s(_MORE)
        self._past: Past = found.past(*joined(history, found.neighbours), history, self._ages_s)
        self._arrays = (*self._past, *found.known())
        self._neighbours = self._past.near[:, NUMBER].astype(np.int64)
        self._rows = self._rows_for(self._pool)

    def imagined(self, item_id: str) -> Imagined:
        """Return the candidates had the user neither chosen an item nor looked at it."""
        found, items, past, pool = self._found, self._found.items, self._past, self._pool
        if self._anew:
            without = found.without(item_id)
            anew = {one.name: one.propose(without, self._n) for one in self._anew}
            pool = self._pool_of(self._fixed | anew)
            self._rows = self._rows_for(pool)
        left_out = self._age_of.get(item_id, NOBODY)
        numbers, columns, places = _united_without(
            left_out, past.near, past.counts, *pool, self._n, found.left_out, self._asked, items.marks
        )
        asker = self._asker(left_out)
        if len(numbers):
            columns[context_of(len(COLUMNS))] = columns_in_context(
                numbers, self._rows, left_out, asker.scale_s, *self._arrays, items.marks
            )
            n_plain = layout_of(COLUMNS, ()).n_columns
            columns[n_plain - user_columns.N_COLUMNS : n_plain] = user_columns.described(asker)[:, None]
        return Imagined(columns.T, len(COLUMNS), asker.segment, places)

    def _rows_for(self, pool: _Pool) -> Numbers:
        """Return rows of metadata by number, of all that may be proposed."""
        return self._found.rows_of(np.concatenate([self._neighbours, pool.numbers]))

    def _asker(self, left_out: int) -> Asker:
        ages_s = tuple(age_s for age, age_s in enumerate(self._ages_s) if age != left_out)[:N_LAST]
        return self._found.asker._replace(ages_s=ages_s)

    def _pool_of(self, proposals: Mapping[str, Proposal]) -> _Pool:
        filled = {name: one for name, one in proposals.items() if len(one.numbers)}
        layout = layout_of(COLUMNS, () if filled.keys().isdisjoint(EXTRA) else EXTRA)
        rows, start = [], 0
        for name in (*COLUMNS, *EXTRA):
            if name in self._sums:
                rows.append((*layout.rows[name], 0, 0, 0, self._sums[name]))
            elif name in filled:
                one = filled[name]
                rows.append((*layout.rows[name], start, len(one.numbers), one.is_logit, _NO_SUM))
                start += len(one.numbers)
        listed = [filled[name] for name in (*COLUMNS, *EXTRA) if name in filled and name not in self._sums]
        return _Pool(
            np.concatenate([np.zeros(0, np.int64), *(one.numbers for one in listed)]),
            np.concatenate([np.zeros(0), *(one.scores for one in listed)]),
            np.array(rows, np.int64).reshape(-1, 6),
            layout.n_columns,
        )


# Flat arrays, no tuples of them: see `columns_in_context`.
@compiled
def _united_without(  # noqa: PLR0913
    left_out: int,
    near: Amounts,
    counts: Numbers,
    pooled: Numbers,
    pooled_scores: Amounts,
    table: Numbers,
    n_columns: int,
    n: int,
    are_left_out: NDArray[np.bool_],
    asked: Numbers,
    marks: Marks,
) -> tuple[Numbers, NDArray[np.float32], Numbers]:
    """Return the union of a pool and of the best by sums over a history without one item, and its columns.

    Parameters
    ----------
    left_out, near, counts
        See `summed`.
    n, are_left_out
        Of the best by sums: how many at most, and who are not among them, see `best_wanted`.

    Returns
    -------
    numbers, columns
        See `united`.
    places
        (M,) places of the numbers asked about, see `places_among`.
    """
    neighbours, together, after = summed(near, counts, left_out, marks)
    size = len(pooled) + len(table) * n
    numbers, scores = np.empty(size, np.int64), np.empty(size)
    proposals, n_filled, start = np.empty((len(table), 4), np.int64), 0, 0
    for of_rank, of_level, first, n_pooled, is_logit, column in table:
        if column == _NO_SUM:
            own, own_scores = pooled[first : first + n_pooled], pooled_scores[first : first + n_pooled]
        else:
            sums = together if column == SIMILARITY else after
            own, own_scores = best_of(neighbours, sums, are_left_out, n)
        length = len(own)
        numbers[start : start + length], scores[start : start + length] = own, own_scores
        start += length
        if length > 0:
            proposals[n_filled, 0], proposals[n_filled, 1] = of_rank, of_level
            proposals[n_filled, 2], proposals[n_filled, 3] = length, is_logit
            n_filled += 1
    distinct, columns = united(numbers[:start], scores[:start], proposals[:n_filled], n_columns, marks)
    return distinct, columns, places_among(asked, distinct, marks)
