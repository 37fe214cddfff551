"""Candidates of several sources for one user, with the features that a blend ranks by."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking import context_columns, user_columns
from streamrec.domain.ranking.levels import share_levels
from streamrec.domain.ranking.scene import Scene
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers

RANK_OFFSET = 10.0
"""Of reciprocal ranks: the first counts twice as much as the eleventh."""

_LOGIT_RANGE = np.float32(3.0)
"""Logits this far above the worst candidate's count as 1."""

_GAINS = (RANK_OFFSET / (RANK_OFFSET + np.arange(2048))).astype(np.float32)


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
            self.numbers, positions = items.distinct(np.concatenate([one.numbers for _, one in filled]))
            columns = np.zeros((n_features(self.n_sources), len(self.numbers)), np.float32)
            of_source = np.repeat([column for column, _ in filled], [len(one.numbers) for _, one in filled])
            columns[of_source, positions] = np.concatenate([_GAINS[: len(one.numbers)] for _, one in filled])
            columns[of_source + self.n_sources, positions] = _levels([one for _, one in filled])
            if scene_of is not None:
                columns[context_of(self.n_sources)] = context_columns.described(scene_of(self.numbers))
            columns[-user_columns.N_COLUMNS :] = user_columns.described(asker)[:, None]
        self.features: NDArray[np.float32] = columns.T

    def row_of(self, number: int) -> int:
        """Return the row of an item, -1 for one that nobody proposed."""
        rows = np.flatnonzero(self.numbers == number)
        return int(rows[0]) if len(rows) else -1


def n_features(n_sources: int) -> int:
    """Return the number of features when there are so many sources."""
    return 2 * n_sources + context_columns.N_COLUMNS + user_columns.N_COLUMNS


def context_of(n_sources: int) -> slice:
    """Return which features are those of `context_columns`."""
    return slice(2 * n_sources, 2 * n_sources + context_columns.N_COLUMNS)


def _levels(proposals: Sequence[Proposal]) -> NDArray[np.float32]:
    """Return how high each score of each proposal stands between its source's best and worst, all in a row.

    Amounts count as their share of the best, on a scale of logarithms; logits by what they are above the
    worst.

    >>> counts, logits = np.array([8.0, 0.8, 0.0]), np.array([2.0, 0.5])
    >>> empty = np.zeros(0, np.int64)
    >>> _levels([Proposal(empty, counts), Proposal(empty, logits, is_logit=True)]).round(2).tolist()
    [1.0, 0.5, 0.0, 0.5, 0.0]
    """
    lengths = [len(proposal.scores) for proposal in proposals]
    amounts = [proposal.scores for proposal in proposals if not proposal.is_logit]
    levels = np.concatenate([proposal.scores for proposal in proposals]).astype(np.float32)
    is_amount = np.repeat([not proposal.is_logit for proposal in proposals], lengths)
    if amounts:
        best = np.repeat(np.array([one[0] for one in amounts], np.float32), [len(one) for one in amounts])
        levels[is_amount] = share_levels(levels[is_amount], best)
    for proposal, end in zip(proposals, np.cumsum(lengths).tolist(), strict=True):
        if proposal.is_logit:
            of_logits = levels[end - len(proposal.scores) : end]
            of_logits -= of_logits[-1]
            of_logits /= _LOGIT_RANGE
    return levels
