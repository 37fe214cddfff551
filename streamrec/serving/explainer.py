"""Explanation of items: the sources that speak for them, and the user's own items that those go by."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.domain.explaining.without import Without
from streamrec.domain.ranking import context_columns
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.ranking.context_columns import context_of
from streamrec.domain.ranking.explanation import Cause, Explanation
from streamrec.domain.ranking.recommendation import RecommendedItem
from streamrec.domain.sources.table import COLUMNS, EXTRA
from streamrec.domain.users.less import NOTHING_LESS, Label
from streamrec.serving.sources.retrieval import Look
from streamrec.serving.users.asked_less import told_of

N_CAUSES = 3
"""Items named at most: who is told of twenty is told nothing."""

N_REASONS = 2
"""Reasons in words at most."""

_LEAST_REASON = 0.1
"""Of the score's logarithm: what raises the odds by a tenth, or more, is a reason."""

Shares = dict[str, float]


def explained(
    items: Sequence[RecommendedItem],
    looks: Sequence[tuple[Look, NDArray[np.floating]]],
    ranker: BlendRanker,
    less: Mapping[Label, float] = NOTHING_LESS,
) -> list[RecommendedItem]:
    """Return the items, each with its explanation by the look that found it.

    A source's part of a score is its part of the weighted ranks that the score stands on. An item of the
    user's is a cause when the same ranking without it, the user's vector left as it is, gives the
    recommended item a lower score.

    Parameters
    ----------
    looks
        Each with the scores of its candidates.
    less
        Labels that the user asked for less of.
    """
    explanations: dict[str, Explanation] = {}
    for look, scores in looks:
        left = [item for item in items if item.item_id not in explanations]
        if left:
            explanations |= _Ranking(look, scores, ranker, left).explanations()
    explained_items = []
    for item in items:
        explanation = explanations.get(item.item_id) or Explanation({item.source: item.score}, [])
        if words := told_of(item, less):
            explanation = msgspec.structs.replace(explanation, less=words)
        explained_items.append(msgspec.structs.replace(item, explanation=explanation))
    return explained_items


def reasons_for(ranker: BlendRanker, candidates: Candidates, rows: Sequence[int]) -> list[list[str]]:
    """Return in words what of its context speaks for each of some candidates most."""
    columns = candidates.features[np.asarray(rows, np.int64), context_of(candidates.n_sources)]
    are_high = (columns > candidates.context_means).tolist()
    of_each = ranker.context_parts(candidates, rows)
    orders = (-of_each).argsort(axis=1)[:, :N_REASONS].tolist()
    return [
        [
            context_columns.COLUMNS[column].high if is_high[column] else context_columns.COLUMNS[column].low
            for column in order
            if parts[column] >= _LEAST_REASON
        ]
        for parts, order, is_high in zip(of_each.tolist(), orders, are_high, strict=True)
    ]


class _Ranking:
    """Ranking of what one look found, and the same without one item or another of the user's.

    Parameters
    ----------
    scores
        (N,) of the look's candidates.
    items
        Items to explain; those that the look did not find are passed over.
    """

    def __init__(
        self,
        look: Look,
        scores: NDArray[np.floating],
        ranker: BlendRanker,
        items: Sequence[RecommendedItem],
    ) -> None:
        self._look = look
        self._ranker = ranker
        findings, candidates = look.findings, look.candidates
        numbers = findings.items.known([item.item_id for item in items])
        rows = candidates.rows_of(numbers)
        is_there = rows >= 0
        self._items = [item for item, is_in in zip(items, is_there.tolist(), strict=True) if is_in]
        self._rows: list[int] = rows[is_there].tolist()
        self._scores: list[float] = scores[self._rows].tolist()
        self._without = Without(findings, candidates.proposals, look.stage, look.n, numbers[is_there])
        self._scores_of: dict[str, list[float]] = {}

    def explanations(self) -> dict[str, Explanation]:
        """Return where the scores of the items come from, by id."""
        if not self._items:
            return {}
        candidates = self._look.candidates
        of_sources = [_positive(shares) for shares in self._ranker.shares(candidates, self._rows).tolist()]
        of_causes = self._causes(of_sources)
        reasons = reasons_for(self._ranker, candidates, self._rows)
        return {
            item.item_id: Explanation(
                {name: item.score * share for name, share in of_sources[position].items()},
                self._because(position, of_causes[position]),
                reasons[position],
            )
            for position, item in enumerate(self._items)
        }

    def _because(self, position: int, causes: Shares) -> list[Cause]:
        likeliest = sorted(causes, key=lambda id_: -causes[id_])[:N_CAUSES]
        score = self._scores[position]
        return [Cause(id_, causes[id_]) for id_ in likeliest if self._scores_without(id_)[position] < score]

    def _causes(self, of_sources: Sequence[Shares]) -> list[Shares]:
        """Return, of each item, the user's items that its sources go by, and what share of its score does."""
        causes: list[Shares] = [defaultdict(float) for _ in self._items]
        for source in self._look.stage:
            found = [place for place, shares in enumerate(of_sources) if source.name in shares]
            of_each = source.causes_of(self._look.findings, [self._items[place].item_id for place in found])
            for place, amounts in zip(found, of_each, strict=True):
                share, total = of_sources[place][source.name], sum(amounts.values())
                for id_, amount in amounts.items():
                    causes[place][id_] += share * amount / total
        return causes

    def _scores_without(self, cause: str) -> list[float]:
        """Return the score of each item had the user never chosen one of theirs; 0: nobody proposes it."""
        scores = self._scores_of.get(cause)
        if scores is None:
            imagined = self._without.imagined(cause)
            found = np.append(self._ranker.probabilities(imagined), np.float32(0))
            scores = self._scores_of[cause] = found[imagined.rows].tolist()
        return scores


def _positive(shares: Sequence[float]) -> Shares:
    return {name: share for name, share in zip((*COLUMNS, *EXTRA), shares, strict=False) if share}
