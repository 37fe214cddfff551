"""Explanation of items: the sources that speak for them, and the user's own items that those go by."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

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
    looks: Sequence[Look],
    ranker: BlendRanker,
    less: Mapping[Label, float] = NOTHING_LESS,
) -> list[RecommendedItem]:
    """Return the items, each with its explanation by the look that found it.

    A source's part of a score is its part of the weighted ranks that the score stands on. An item of the
    user's is a cause when the same ranking without it, the user's vector left as it is, gives the
    recommended item a lower score.

    Parameters
    ----------
    less
        Labels that the user asked for less of.
    """
    explanations: dict[str, Explanation] = {}
    for look in looks:
        left = [item for item in items if item.item_id not in explanations]
        if left:
            explanations |= _Ranking(look, ranker, left).explanations()
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
    items
        Items to explain; those that the look did not find are passed over.
    """

    def __init__(self, look: Look, ranker: BlendRanker, items: Sequence[RecommendedItem]) -> None:
        self._look = look
        self._ranker = ranker
        numbers = look.findings.items.known([item.item_id for item in items])
        rows = look.candidates.rows_of(numbers)
        is_there = rows >= 0
        self._items = [item for item, is_in in zip(items, is_there.tolist(), strict=True) if is_in]
        self._numbers, self._rows = numbers[is_there], rows[is_there].tolist()
        self._scores: list[float] = ranker.probabilities(look.candidates)[self._rows].tolist()
        self._without: dict[str, list[float]] = {}

    def explanations(self) -> dict[str, Explanation]:
        """Return where the scores of the items come from, by id."""
        if not self._items:
            return {}
        candidates = self._look.candidates
        shares = self._ranker.shares(candidates, self._rows).tolist()
        reasons = reasons_for(self._ranker, candidates, self._rows)
        return {
            item.item_id: self._explanation(position, _positive(shares[position]), reasons[position])
            for position, item in enumerate(self._items)
        }

    def _explanation(self, position: int, of_source: Shares, reasons: list[str]) -> Explanation:
        item = self._items[position]
        causes = self._causes(item.item_id, of_source)
        likeliest = sorted(causes, key=lambda id_: -causes[id_])[:N_CAUSES]
        return Explanation(
            {name: item.score * share for name, share in of_source.items()},
            [Cause(id_, causes[id_]) for id_ in likeliest if self._falls_without(id_, position)],
            reasons,
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

    def _falls_without(self, cause: str, position: int) -> bool:
        if cause not in self._without:
            self._without[cause] = self._scores_without(cause)
        return self._without[cause][position] < self._scores[position]

    def _scores_without(self, cause: str) -> list[float]:
        """Return the score of each item had the user never chosen one of theirs; 0: nobody proposes it."""
        look = self._look
        findings = look.findings.without(cause)
        changed = {s.name: s.propose(findings, look.n) for s in look.stage if s.causes is not None}
        proposals = look.candidates.proposals | changed
        context = findings.in_context
        candidates = Candidates(COLUMNS, proposals, findings.asker, findings.items, context, EXTRA)
        rows = candidates.rows_of(self._numbers)
        scores = np.append(self._ranker.probabilities(candidates), np.float32(0))
        found: list[float] = scores[rows].tolist()
        return found


def _positive(shares: Sequence[float]) -> Shares:
    return {name: share for name, share in zip((*COLUMNS, *EXTRA), shares, strict=False) if share}
