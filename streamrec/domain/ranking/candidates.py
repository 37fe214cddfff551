"""Candidates of several sources for one user, with the features that a blend ranks by."""

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking import user_columns
from streamrec.domain.ranking.context_columns import context_of, n_features
from streamrec.domain.ranking.levels import level_of
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.rows.compiled import compiled
from streamrec.domain.rows.item_numbers import ItemNumbers, Marks, Numbers
from streamrec.domain.rows.places import mark_places

RANK_OFFSET = 10.0
"""Of reciprocal ranks: the first counts twice as much as the eleventh."""

_LOGIT_RANGE = np.float32(3.0)
"""Logits this far above the worst candidate's count as 1."""


class Proposal(NamedTuple):
    """One source's ranking, best first.

    Attributes
    ----------
    numbers, scores
        (N,) distinct items by number, and their scores, falling.
    is_logit
        Whether scores are logits; else they are not negative and proportional to something countable.
    """

    numbers: Numbers
    scores: NDArray[np.float64]
    is_logit: bool = False


class Layout(NamedTuple):
    """Columns of candidates.

    Attributes
    ----------
    rows
        Of each source, that of its ranks and that of its levels.
    n_plain
        Number of the columns that all candidates have.
    n_columns
        Number of all.
    """

    rows: Mapping[str, tuple[int, int]]
    n_plain: int
    n_columns: int


@cache
def layout_of(sources: tuple[str, ...], extra: tuple[str, ...]) -> Layout:
    """Return the columns of candidates of some sources, and of extra ones of which one proposes something."""
    n_sources, n_plain, n_extra = len(sources), n_features(len(sources)), len(extra)
    rows = {name: (column, n_sources + column) for column, name in enumerate(sources)}
    rows |= {name: (n_plain + n, n_plain + n_extra + n) for n, name in enumerate(extra)}
    return Layout(rows, n_plain, n_plain + 2 * n_extra)


class Described(Protocol):
    """Candidates as a blend sees them."""

    @property
    def features(self) -> NDArray[np.float32]:
        """(N, 2 S + K + U) float32, or 2 E more, see `Candidates`."""

    @property
    def n_sources(self) -> int:
        """Number of the sources that all candidates have columns of."""

    @property
    def segment(self) -> str:
        """Segment of the user."""


class Candidates:
    """The union of S sources' proposals, described by (N, 2 S + K + U) features, or 2 E more.

    The first S columns hold reciprocal ranks (Cormack, Clarke, Buettcher 2009, Reciprocal rank fusion
    outperforms Condorcet and individual rank learning methods), which need no scale; the next S how high the
    scores stand; both are 0 where a source does not propose an item. The next K are those of
    `context_columns`, of each candidate before what the user chose last; the last U are those of
    `user_columns`, the same for all candidates. Where any of E extra sources proposes something, its E ranks
    and E levels stand behind them; for all others these columns are not there, so that whoever has nothing
    of extra sources is ranked to the last digit as if there were none.

    Parameters
    ----------
    sources
        Names, in the order of the columns.
    proposals
        By source; what is missing counts as empty, names that are not among `sources` do not count.
    items
        That gave the items their numbers.
    in_context
        Returns the (K, N) columns of the distinct items that were proposed; None: nothing is known.
    extra
        Names of sources that have something for some users only, in the order of their columns.

    Attributes
    ----------
    numbers
        (N,) distinct items.
    features
        (N, 2 S + K + U) float32, or 2 E more.
    proposals
        Those that are not empty, by name.

    >>> items = ItemNumbers()
    >>> proposals = {"a": Proposal(items.of(["x", "y"]), np.array([2.0, 1.0]))}
    >>> candidates = Candidates(("a", "b"), proposals, Asker(n_events=1), items)
    >>> candidates.numbers.tolist(), candidates.segment, candidates.features[0, :4].tolist()
    ([0, 1], 'cold', [1.0, 0.0, 1.0, 0.0])
    """

    def __init__(
        self,
        sources: tuple[str, ...],
        proposals: Mapping[str, Proposal],
        asker: Asker,
        items: ItemNumbers,
        in_context: Callable[[Numbers], NDArray[np.float32]] | None = None,
        extra: tuple[str, ...] = (),
    ) -> None:
        self.proposals = {
            name: proposals[name]
            for name in (*sources, *extra)
            if name in proposals and len(proposals[name].numbers)
        }
        rows, n_plain, n_columns = layout_of(
            sources, () if self.proposals.keys().isdisjoint(extra) else extra
        )
        self.n_sources = len(sources)
        self._items = items
        self.segment = asker.segment
        self.numbers: Numbers = np.zeros(0, np.int64)
        # By column in memory, as it is written; a matrix product reads it either way.
        columns = np.zeros((n_columns, 0), np.float32)
        filled = self.proposals.items()
        if filled:
            self.numbers, columns = united(
                np.concatenate([one.numbers for _, one in filled]),
                np.concatenate([one.scores for _, one in filled]),
                # Flat first: of a list of rows numpy looks at each to find out how long it is.
                np.array(
                    [n for name, one in filled for n in (*rows[name], len(one.numbers), one.is_logit)]
                ).reshape(len(filled), 4),
                n_columns,
                items.marks,
            )
            if in_context is not None:
                columns[context_of(self.n_sources)] = in_context(self.numbers)
            columns[n_plain - user_columns.N_COLUMNS : n_plain] = user_columns.described(asker)[:, None]
        self.features: NDArray[np.float32] = columns.T

    @cached_property
    def context_means(self) -> NDArray[np.float32]:
        """(K,) means of the columns in context."""
        means: NDArray[np.float32] = self.features[:, context_of(self.n_sources)].mean(axis=0)
        return means

    def row_of(self, number: int) -> int:
        """Return the row of an item, -1 for one that nobody proposed."""
        return int(self.rows_of(np.array([number]))[0])

    def rows_of(self, numbers: Numbers) -> Numbers:
        """Return (M,) the rows of M items, -1 for those that nobody proposed."""
        if not len(self.numbers):
            return np.full(len(numbers), -1)
        return places_among(numbers, self.numbers, self._items.marks)


@compiled
def places_among(asked: Numbers, among: Numbers, marks: Marks) -> Numbers:
    """Return (M,) places of numbers among distinct ones; -1: it is none of them, or no number."""
    places = np.full(len(asked), -1)
    mark_places(marks, asked, among)
    for position, number in enumerate(asked):
        if number >= 0:
            places[position] = marks[number]
    return places


@compiled
def united(
    numbers: Numbers, scores: NDArray[np.float64], proposals: Numbers, n_columns: int, marks: Marks
) -> tuple[Numbers, NDArray[np.float32]]:
    """Return the union of proposals that stand one after the other, and its columns, those of sources filled.

    Of each the level says how high it stands between its source's best and worst: of an amount by its share
    of the best, on a scale of logarithms; of a logit by what it is above the worst.

    Parameters
    ----------
    proposals
        (P, 4) columns of the source's ranks and levels, length, and whether the scores are logits.
    """
    for number in numbers:
        marks[number] = -1
    distinct = np.empty(len(numbers), np.int64)
    n_distinct = 0
    for number in numbers:
        if marks[number] < 0:
            marks[number] = n_distinct
            distinct[n_distinct] = number
            n_distinct += 1
    columns = np.zeros((n_columns, n_distinct), np.float32)
    start = 0
    for of_rank, of_level, length, is_logit in proposals:
        best, worst = np.float32(scores[start]), np.float32(scores[start + length - 1])
        for rank in range(length):
            position, score = marks[numbers[start + rank]], np.float32(scores[start + rank])
            columns[of_rank, position] = RANK_OFFSET / (RANK_OFFSET + rank)
            level = (score - worst) / _LOGIT_RANGE if is_logit else level_of(score, best)
            columns[of_level, position] = level
        start += length
    return distinct[:n_distinct], columns
