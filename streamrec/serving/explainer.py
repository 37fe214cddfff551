"""Explanation of items: the sources that speak for them, and the user's own items that those go by."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from streamrec.domain.popularity.recency import AGE_DECAY, distinct_newest_first
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Candidates, Proposal
from streamrec.domain.ranking.explanation import Cause, Explanation
from streamrec.domain.ranking.recommendation import RecommendedItem
from streamrec.domain.ranking.source_names import AGAIN, COVISITATION, FOLLOWERS, GMF
from streamrec.domain.similarity.neighbour import Neighbours
from streamrec.serving.sources.ranked_sources import N_HISTORY, N_PROPOSED, chosen_again, visited
from streamrec.serving.sources.request_context import RequestContext
from streamrec.serving.sources.retrieval import Retrieval

N_CAUSES = 3
"""Items named at most: who is told of twenty is told nothing."""

_NOTHING = Proposal[str]([], [])

Proposals = Mapping[str, Proposal[str]]
Shares = dict[str, float]


class Explainer:
    """Ranks once more, with and without each of the items that may be a cause: for people, not for pages."""

    def __init__(self, retrieval: Retrieval) -> None:
        self._retrieval = retrieval

    async def explained(
        self, items: Sequence[RecommendedItem], context: RequestContext, ranker: BlendRanker
    ) -> list[RecommendedItem]:
        """Return the items, each with its explanation.

        A source's part of a score is its part of the weighted ranks that the score stands on. An item of the
        user's is a cause when the same ranking without it, the user's vector left as it is, gives the
        recommended item a lower score.
        """
        explanations: dict[str, Explanation] = {}
        for stage in self._retrieval.stages(context):
            proposals = await self._retrieval.proposals(context, stage, N_PROPOSED)
            # One more than the sources go by: without one of theirs they would go by it.
            history = distinct_newest_first(context.recent, N_HISTORY + 1)
            neighbours = await self._retrieval.neighbours(history, context) if history else {}
            look = _Look(context, ranker, proposals, neighbours)
            for item in items:
                if item.item_id not in explanations and look.has(item.item_id):
                    explanations[item.item_id] = look.explanation(item)
        return [
            msgspec.structs.replace(
                item, explanation=explanations.get(item.item_id) or Explanation({item.source: item.score}, [])
            )
            for item in items
        ]


class _Look:
    """One ranking of a stage's proposals, and the same without one item or another of the user's."""

    def __init__(
        self,
        context: RequestContext,
        ranker: BlendRanker,
        proposals: Proposals,
        neighbours: Mapping[str, Neighbours],
    ) -> None:
        self._context = context
        self._ranker = ranker
        self._proposals = proposals
        self._neighbours = neighbours
        self._candidates = self._ranked(proposals)
        self._probabilities = ranker.probabilities(self._candidates)
        self._scores_without: dict[str, Shares] = {}

    def has(self, item_id: str) -> bool:
        """Return whether a source of this stage proposes the item."""
        return self._candidates.row_of(item_id) >= 0

    def explanation(self, item: RecommendedItem) -> Explanation:
        """Return where an item's score comes from."""
        (shares,) = self._ranker.shares(self._candidates, [self._candidates.row_of(item.item_id)]).tolist()
        of_source = {name: share for name, share in zip(self._ranker.sources, shares, strict=True) if share}
        causes = self._causes(item.item_id, of_source)
        likeliest = sorted(causes, key=lambda id_: -causes[id_])[:N_CAUSES]
        return Explanation(
            {name: item.score * share for name, share in of_source.items()},
            [Cause(id_, causes[id_]) for id_ in likeliest if self._falls_without(id_, item.item_id)],
        )

    def _causes(self, item_id: str, of_source: Shares) -> Shares:
        """Return the user's items that the sources go by, and what share of the score goes by each."""
        context = self._context
        causes: Shares = defaultdict(float)
        if context.item_id is not None and context.vector is None:
            causes[context.item_id] = of_source.get(GMF, 0.0)
        if AGAIN in of_source:
            causes[item_id] += of_source[AGAIN]
        for name, evidence in self._evidence(item_id).items():
            total = sum(evidence.values())
            for id_, amount in evidence.items():
                causes[id_] += of_source.get(name, 0.0) * amount / total
        return causes

    def _evidence(self, item_id: str) -> dict[str, Shares]:
        """Return for each source that goes by neighbours what each item of the history adds."""
        found: dict[str, Shares] = {COVISITATION: {}, FOLLOWERS: {}}
        for age, id_ in enumerate(distinct_newest_first(self._context.recent, N_HISTORY)):
            near = self._neighbours.get(id_)
            if near is not None and item_id in near.item_ids:
                position = near.item_ids.index(item_id)
                for name, amount in (
                    (COVISITATION, near.similarities[position]),
                    (FOLLOWERS, near.follows[position]),
                ):
                    if amount:
                        found[name][id_] = amount * AGE_DECAY**age
        return found

    def _falls_without(self, cause: str, item_id: str) -> bool:
        if cause not in self._scores_without:
            self._scores_without[cause] = self._scores(cause)
        row = self._candidates.row_of(item_id)
        return self._scores_without[cause].get(item_id, 0.0) < float(self._probabilities[row])

    def _scores(self, without: str) -> Shares:
        """Return the score of each candidate had the user never chosen one of theirs."""
        recent = [id_ for id_ in self._context.recent if id_ != without]
        context = msgspec.structs.replace(self._context, recent=recent)
        changed = visited(context, self._neighbours, N_PROPOSED) | chosen_again(context, N_PROPOSED)
        if without == context.item_id:
            changed[GMF] = _NOTHING
        candidates = self._ranked({name: changed.get(name, given) for name, given in self._proposals.items()})
        return dict(zip(candidates.ids, self._ranker.probabilities(candidates).tolist(), strict=True))

    def _ranked(self, proposals: Proposals) -> Candidates[str]:
        context = self._context
        return Candidates(self._ranker.sources, proposals, context.n_events, is_new_only=context.is_new_only)
