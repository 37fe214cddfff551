"""Candidates of several sources for one user, with the features that a blend ranks by."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking import user_columns
from streamrec.domain.ranking.context_columns import context_of, n_features
from streamrec.domain.ranking.levels import level_of
from streamrec.domain.ranking.scene import Scene, described
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.rows.compiled import compiled
from streamrec.domain.rows.item_numbers import ItemNumbers, Marks, Numbers

RANK_OFFSET = 10.0
"""Of reciprocal ranks: the first counts twice as much as the eleventh."""

_LOGIT_RANGE = np.float32(3.0)
"""Logits this far above the worst candidate's count as 1."""

_N_AFTER_SOURCES = n_features(0)


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


class Candidates:
    """The union of S sources' proposals, described by (N, 2 S + K + U) features.

    The first S columns hold reciprocal ranks (Cormack, Clarke, Buettcher 2009, Reciprocal rank fusion
    outperforms Condorcet and individual rank learning methods), which need no scale; the next S how high the
    scores stand; both are 0 where a source does not propose an item. The next K are those of
    `context_columns`, of each candidate before what the user chose last; the last U are those of
    `user_columns`, the same for all candidates.

    Parameters
    ----------
    sources
        Names, in the order of the columns.
    proposals
        By source; what is missing counts as empty, names that are not among `sources` do not count.
    items
        That gave the items their numbers.
    scene_of
        Returns the scene of the distinct items that were proposed; None: nothing is known of it.

    Attributes
    ----------
    numbers
        (N,) distinct items.
    features
        (N, 2 S + K + U) float32.
    proposals
        Those of `sources` that are not empty, by name.

    >>> items = ItemNumbers()
    >>> proposals = {"a": Proposal(items.of(["x", "y"]), np.array([2.0, 1.0]))}
    >>> candidates = Candidates(("a", "b"), proposals, Asker(n_events=1), items)
    >>> candidates.numbers.tolist(), candidates.segment, candidates.features[0, :4].tolist()
    ([0, 1], 'cold', [1.0, 0.0, 1.0, 0.0])
    """

    def __init__(
        self,
        sources: Sequence[str],
        proposals: Mapping[str, Proposal],
        asker: Asker,
        items: ItemNumbers,
        scene_of: Callable[[Numbers], Scene] | None = None,
    ) -> None:
        given = [(column, proposals.get(name)) for column, name in enumerate(sources)]
        filled = [
            (column, proposal) for column, proposal in given if proposal is not None and len(proposal.numbers)
        ]
        self.proposals = {sources[column]: proposal for column, proposal in filled}
        self.n_sources = len(sources)
        self.segment = asker.segment
        self.numbers: Numbers = np.zeros(0, np.int64)
        # By column in memory, as it is written; a matrix product reads it either way.
        columns = np.zeros((n_features(self.n_sources), 0), np.float32)
        if filled:
            self.numbers, columns = _united(
                np.concatenate([one.numbers for _, one in filled]),
                np.concatenate([one.scores for _, one in filled]),
                np.array([(column, len(one.numbers), one.is_logit) for column, one in filled]),
                self.n_sources,
                items.marks,
            )
            if scene_of is not None:
                columns[context_of(self.n_sources)] = described(scene_of(self.numbers))
            columns[-user_columns.N_COLUMNS :] = user_columns.described(asker)[:, None]
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
        is_it = self.numbers == numbers[:, None]
        return np.where(is_it.any(axis=1), is_it.argmax(axis=1), -1)


@compiled
def _united(
    numbers: Numbers, scores: NDArray[np.float64], proposals: Numbers, n_sources: int, marks: Marks
) -> tuple[Numbers, NDArray[np.float32]]:
    """Return the union of proposals that stand one after the other, and its columns, those of sources filled.

    Of each the level says how high it stands between its source's best and worst: of an amount by its share
    of the best, on a scale of logarithms; of a logit by what it is above the worst.

    Parameters
    ----------
    proposals
        (P, 3) column of the source, length, and whether the scores are logits.
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
    columns = np.zeros((2 * n_sources + _N_AFTER_SOURCES, n_distinct), np.float32)
    start = 0
    for column, length, is_logit in proposals:
        best, worst = np.float32(scores[start]), np.float32(scores[start + length - 1])
        for rank in range(length):
            position, score = marks[numbers[start + rank]], np.float32(scores[start + rank])
            columns[column, position] = RANK_OFFSET / (RANK_OFFSET + rank)
            level = (score - worst) / _LOGIT_RANGE if is_logit else level_of(score, best)
            columns[n_sources + column, position] = level
        start += length
    return distinct[:n_distinct], columns
