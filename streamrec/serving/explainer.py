"""Explanation of items: the sources that speak for them, and the user's own items that those go by."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking import context_columns
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.ranking.context_columns import context_of
from streamrec.domain.ranking.explanation import Cause, Explanation
from streamrec.domain.ranking.recommendation import RecommendedItem
from streamrec.domain.sources.table import COLUMNS
from streamrec.serving.sources.retrieval import Look

N_CAUSES = 3
"""Items named at most: who is told of twenty is told nothing."""

N_REASONS = 2
"""Reasons in words at most."""

_LEAST_REASON = 0.1
"""Of the score's logarithm: what raises the odds by a tenth, or more, is a reason."""

Shares = dict[str, float]

Ranked = tuple[Candidates, NDArray[np.float32]]
"""Candidates, and the probability of each."""


def explained(
    items: Sequence[RecommendedItem], looks: Sequence[Look], ranker: BlendRanker
) -> list[RecommendedItem]:
    """Return the items, each with its explanation by the look that found it.

    A source's part of a score is its part of the weighted ranks that the score stands on. An item of the
    user's is a cause when the same ranking without it, the user's vector left as it is, gives the
    recommended item a lower score.
    """
    explanations: dict[str, Explanation] = {}
    for look in looks:
        ranking = _Ranking(look, ranker)
        for item in items:
            if item.item_id not in explanations and ranking.has(item.item_id):
                explanations[item.item_id] = ranking.explanation(item)
    return [
        msgspec.structs.replace(
            item, explanation=explanations.get(item.item_id) or Explanation({item.source: item.score}, [])
        )
        for item in items
    ]


def reasons_for(ranker: BlendRanker, candidates: Candidates, row: int) -> list[str]:
    """Return in words what of its context speaks for a candidate most."""
    parts = ranker.context_parts(candidates, row)
    columns = candidates.features[:, context_of(candidates.n_sources)]
    is_high = columns[row] > columns.mean(axis=0)
    strongest = [column for column in (-parts).argsort()[:N_REASONS] if parts[column] >= _LEAST_REASON]
    return [
        context_columns.COLUMNS[column].high if is_high[column] else context_columns.COLUMNS[column].low
        for column in strongest
    ]


class _Ranking:
    """Ranking of what one look found, and the same without one item or another of the user's."""

    def __init__(self, look: Look, ranker: BlendRanker) -> None:
        self._look = look
        self._ranker = ranker
        self._probabilities = ranker.probabilities(look.candidates)
        self._without: dict[str, Ranked] = {}

    def has(self, item_id: str) -> bool:
        """Return whether a source proposed the item."""
        return self._row_of(item_id) >= 0

    def explanation(self, item: RecommendedItem) -> Explanation:
        """Return where an item's score comes from."""
        candidates, row = self._look.candidates, self._row_of(item.item_id)
        (shares,) = self._ranker.shares(candidates, [row]).tolist()
        of_source = {name: share for name, share in zip(COLUMNS, shares, strict=True) if share}
        causes = self._causes(item.item_id, of_source)
        likeliest = sorted(causes, key=lambda id_: -causes[id_])[:N_CAUSES]
        return Explanation(
            {name: item.score * share for name, share in of_source.items()},
            [Cause(id_, causes[id_]) for id_ in likeliest if self._falls_without(id_, item.item_id)],
            reasons_for(self._ranker, candidates, row),
        )

    def _causes(self, item_id: str, of_source: Shares) -> Shares:
        """Return the user's items that the sources go by, and what share of the score goes by each."""
        causes: Shares = defaultdict(float)
        for source in self._look.stage:
            if source.causes is None or source.name not in of_source:
                continue
            amounts = source.causes(self._look.findings, item_id)
            total = sum(amounts.values())
            for id_, amount in amounts.items():
                causes[id_] += of_source[source.name] * amount / total
        return causes

    def _falls_without(self, cause: str, item_id: str) -> bool:
        if cause not in self._without:
            self._without[cause] = self._ranked_without(cause)
        candidates, probabilities = self._without[cause]
        row = candidates.row_of(self._number_of(item_id))
        score = float(probabilities[row]) if row >= 0 else 0.0
        return score < float(self._probabilities[self._row_of(item_id)])

    def _ranked_without(self, cause: str) -> Ranked:
        """Return the candidates had the user never chosen one of theirs, and the score of each."""
        look = self._look
        findings = look.findings.without(cause)
        changed = {s.name: s.propose(findings, look.n) for s in look.stage if s.causes is not None}
        proposals = look.candidates.proposals | changed
        candidates = Candidates(COLUMNS, proposals, findings.asker, findings.items, findings.scene)
        return candidates, self._ranker.probabilities(candidates)

    def _number_of(self, item_id: str) -> int:
        return int(self._look.findings.items.known([item_id])[0])

    def _row_of(self, item_id: str) -> int:
        return self._look.candidates.row_of(self._number_of(item_id))
