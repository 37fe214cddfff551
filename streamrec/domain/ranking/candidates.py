"""Candidates of several sources for one user, with the features that a blend ranks by."""

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from itertools import count
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Id = TypeVar("Id", bound=Hashable)

RANK_OFFSET = 10.0
"""Of reciprocal ranks: the first counts twice as much as the eleventh."""

_LEAST_SHARE = 0.01
"""Scores under this share of the best one are all the same: noise, on a scale of logarithms."""

_LOGIT_RANGE = 3.0
"""Logits this far above the worst candidate's count as 1."""

COLD, LIGHT, HEAVY = "cold", "light", "heavy"

SEGMENTS = (COLD, LIGHT, HEAVY)

_FIRST_LIGHT, _FIRST_HEAVY = 5, 50
"""Events of a user: a cold one has too few to rank by, a heavy one's own events say more than popularity."""

N_ABOUT_USER = 4

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


def segment_of(n_events: int) -> str:
    """Return which of `SEGMENTS` a user of so many events belongs to.

    >>> segment_of(0), segment_of(5), segment_of(50)
    ('cold', 'light', 'heavy')
    """
    if n_events < _FIRST_LIGHT:
        return COLD
    return LIGHT if n_events < _FIRST_HEAVY else HEAVY


def numbered(items: Sequence[Id]) -> tuple[list[Id], NDArray[np.int64]]:
    """Return the distinct ones of N items, as they come, and (N,) the row of each among them.

    >>> ids, rows = numbered("aba")
    >>> ids, rows.tolist()
    (['a', 'b'], [0, 1, 0])
    """
    # Each item is looked up once, in a loop without Python's steps: answers spend most of their time here.
    first_at: dict[Id, int] = {}
    firsts = np.fromiter(map(first_at.setdefault, items, count()), np.int64, len(items))
    n_distinct = np.cumsum(firsts == np.arange(len(items)))
    return list(first_at), n_distinct[firsts] - 1


class Candidates(Generic[Id]):
    """The union of S sources' proposals, described by (N, 2 S + 4) features.

    The first S columns hold reciprocal ranks (Cormack, Clarke, Buettcher 2009, Reciprocal rank fusion
    outperforms Condorcet and individual rank learning methods), which need no scale; the next S how high the
    scores stand; both are 0 where a source does not propose an item. The last four describe the user.

    Parameters
    ----------
    sources
        Names, in the order of the columns.
    proposals
        By source; what is missing counts as empty, names that are not among `sources` do not count.
    n_events
        Of the user so far.
    is_new_only
        Whether only items are wanted that the user has not chosen yet.

    Attributes
    ----------
    ids
        N distinct items.
    features
        (N, 2 S + 4) float32.
    proposals
        Those of `sources` that are not empty, by name.

    >>> proposals = {"a": Proposal(["x", "y"], [2.0, 1.0])}
    >>> candidates = Candidates(("a", "b"), proposals, n_events=1, is_new_only=True)
    >>> candidates.ids, candidates.segment, candidates.features.shape
    (['x', 'y'], 'cold', (2, 8))
    """

    def __init__(
        self,
        sources: Sequence[str],
        proposals: Mapping[str, Proposal[Id]],
        n_events: int,
        *,
        is_new_only: bool,
    ) -> None:
        given = [(column, proposals.get(name)) for column, name in enumerate(sources)]
        filled = [(column, proposal) for column, proposal in given if proposal is not None and proposal.ids]
        ids = [item for _, proposal in filled for item in proposal.ids]
        self.ids, all_rows = numbered(ids)
        n_sources = len(sources)
        features = np.zeros((len(self.ids), 2 * n_sources + N_ABOUT_USER), np.float32)
        end = 0
        for column, proposal in filled:
            start, end = end, end + len(proposal.ids)
            rows = all_rows[start:end]
            features[rows, column] = _GAINS[: len(rows)]
            features[rows, n_sources + column] = proposal.levels()
        about_user = (math.log1p(n_events) / 5, n_events < _FIRST_LIGHT, n_events <= 1, is_new_only)
        features[:, -N_ABOUT_USER:] = about_user
        self.proposals = {sources[column]: proposal for column, proposal in filled}
        self.n_sources = n_sources
        self.segment = segment_of(n_events)
        self.features = features

    def row_of(self, item: Id) -> int:
        """Return the row of an item, -1 for one that nobody proposed."""
        return self._row_of.get(item, -1)

    @cached_property
    def _row_of(self) -> dict[Id, int]:
        return {item: row for row, item in enumerate(self.ids)}
