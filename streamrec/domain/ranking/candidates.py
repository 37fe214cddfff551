"""Candidates of several sources for one user, with the features that a blend ranks by."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking import context_columns, user_columns
from streamrec.domain.ranking.scene import Scene
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.rows.numbering import Id, Numbering

RANK_OFFSET = 10.0
"""Of reciprocal ranks: the first counts twice as much as the eleventh."""

_LEAST_SHARE = 0.01
"""Scores under this share of the best one are all the same: noise, on a scale of logarithms."""

_LOGIT_RANGE = 3.0
"""Logits this far above the worst candidate's count as 1."""

_GAINS = (RANK_OFFSET / (RANK_OFFSET + np.arange(2048))).astype(np.float32)


class Proposal(NamedTuple, Generic[Id]):
    """One source's ranking, best first.

    Attributes
    ----------
    ids, scores
        Distinct items and their scores, falling.
    is_logit
        Whether scores are logits; else they are not negative and proportional to something countable.
    """

    ids: Sequence[Id]
    scores: Sequence[float]
    is_logit: bool = False

    def levels(self) -> NDArray[np.float32]:
        """Return (N,) how high each score stands between this source's best and what it proposes at worst.

        >>> Proposal(["a", "b", "c"], [8.0, 0.8, 0.0]).levels().round(2).tolist()
        [1.0, 0.5, 0.0]
        """
        scores = np.asarray(self.scores, np.float32)
        if self.is_logit:
            above_worst: NDArray[np.float32] = (scores - scores[-1]) / np.float32(_LOGIT_RANGE)
            return above_worst
        least = max(float(scores[0]) * _LEAST_SHARE, 1e-30)
        levels: NDArray[np.float32] = np.log(np.maximum(scores, least) / least).astype(np.float32)
        return levels / np.float32(-math.log(_LEAST_SHARE))


class Candidates(Generic[Id]):
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
    scene_of
        Returns the scene of the distinct items that were proposed; None: nothing is known of it.

    Attributes
    ----------
    ids
        N distinct items.
    features
        (N, 2 S + K + U) float32.
    proposals
        Those of `sources` that are not empty, by name.

    >>> proposals = {"a": Proposal(["x", "y"], [2.0, 1.0])}
    >>> candidates = Candidates(("a", "b"), proposals, Asker(n_events=1))
    >>> candidates.ids, candidates.segment, candidates.features[0, :4].tolist()
    (['x', 'y'], 'cold', [1.0, 0.0, 1.0, 0.0])
    """

    def __init__(
        self,
        sources: Sequence[str],
        proposals: Mapping[str, Proposal[Id]],
        asker: Asker,
        scene_of: Callable[[Sequence[Id]], Scene] | None = None,
    ) -> None:
        given = [(column, proposals.get(name)) for column, name in enumerate(sources)]
        filled = [(column, proposal) for column, proposal in given if proposal is not None and proposal.ids]
        self._numbering = Numbering([item for _, proposal in filled for item in proposal.ids])
        self.ids = self._numbering.ids
        n_sources = len(sources)
        features = np.zeros((len(self.ids), n_features(n_sources)), np.float32)
        end = 0
        for column, proposal in filled:
            start, end = end, end + len(proposal.ids)
            rows = self._numbering.rows[start:end]
            features[rows, column] = _GAINS[: len(rows)]
            features[rows, n_sources + column] = proposal.levels()
        if scene_of is not None and self.ids:
            features[:, context_of(n_sources)] = context_columns.described(scene_of(self.ids))
        features[:, -user_columns.N_COLUMNS :] = user_columns.described(asker)
        self.proposals = {sources[column]: proposal for column, proposal in filled}
        self.n_sources = n_sources
        self.segment = asker.segment
        self.features = features

    def row_of(self, item: Id) -> int:
        """Return the row of an item, -1 for one that nobody proposed."""
        return self._numbering.row_of(item)


def n_features(n_sources: int) -> int:
    """Return the number of features when there are so many sources."""
    return 2 * n_sources + context_columns.N_COLUMNS + user_columns.N_COLUMNS


def context_of(n_sources: int) -> slice:
    """Return which features are those of `context_columns`."""
    return slice(2 * n_sources, 2 * n_sources + context_columns.N_COLUMNS)
