"""Answers requests for recommendations, with whatever works at the moment."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, get_args

from streamrec.domain.blend import BlendRanker
from streamrec.domain.candidates import Candidates
from streamrec.domain.recommendation import (
    MAX_K,
    BasedOn,
    RecommendationRequest,
    Recommendations,
    RecommendedItem,
    Selection,
    SourceName,
)
from streamrec.ports import DocumentStore, HotCache, ItemIndex, Metrics, UserProfile
from streamrec.serving.guard import Attempts, Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.learned_blend import LearnedBlend
from streamrec.serving.retrieval import Retrieval, Stage
from streamrec.serving.sources import (
    COVISITATION,
    GMF,
    N_PROPOSED,
    Asker,
    CandidateSource,
    NeighbourSource,
    VectorSource,
)

SPARE = 4
"""Candidates looked at beyond those wanted: a few hidden items cost no second look."""

FILTERED_FACTOR = 5
"""Candidates looked at per item wanted of some categories: one item in five fits, or we look further."""


_STRANGER = UserProfile(None, [])

_SOURCE_NAMES = frozenset(get_args(SourceName))


class ServingLimits(NamedTuple):
    """How long to wait for any one part, in seconds, and how many of the newest seen items are left out."""

    timeout_s: float = 0.5
    n_seen_excluded: int = 2000


class Recommender:
    """Fills answers from what all sources propose, in the order that the learned blend gives it.

    Parameters
    ----------
    left_out
        Names of sources to do without: to see what each is worth.
    """

    def __init__(
        self,
        store: DocumentStore,
        cache: HotCache,
        index: ItemIndex,
        metrics: Metrics,
        limits: ServingLimits,
        left_out: frozenset[str] = frozenset(),
    ) -> None:
        self._store = store
        self._n_seen_excluded = limits.n_seen_excluded
        self._metrics = metrics
        self._store_guard = Guard("store", limits.timeout_s, metrics)
        cache_guard = Guard("cache", limits.timeout_s, metrics)
        index_guard = Guard("index", limits.timeout_s, metrics)
        self.items = ItemReader(cache, cache_guard, store, self._store_guard, metrics)
        self.blend = LearnedBlend(cache, cache_guard)
        self.retrieval = Retrieval(cache, cache_guard, index, index_guard, left_out)
        self._like_item: tuple[CandidateSource, ...] = (
            VectorSource(index, index_guard),
            NeighbourSource(cache, cache_guard),
        )

    async def recommend(self, request: RecommendationRequest) -> Recommendations:
        """Return `k` items where so many exist; never raises for a part that is down.

        A known user gets the blend of all sources. A stranger who looks at a known item gets what is like it,
        filled up with what is popular; anybody else gets what is popular.
        """
        asker = await self.asker(request)
        is_known = "store" not in asker.attempts.failed
        ranker = await self.blend.ranker()
        selection = Selection(request.k, asker.banned)
        for stage in self.retrieval.stages(asker):
            await self._fill(selection, asker, stage, ranker)
            if not selection.n_missing:
                break
        answer = self._answer(selection.items, asker)
        if request.user_id is not None:
            reason = _fallback_reason(answer, request.k, asker) if is_known else "store_unavailable"
            self._metrics.count(f"recommender.fallback.{reason}" if reason else "recommender.personalized")
        return answer

    async def similar(self, item_id: str, k: int) -> Recommendations:
        """Return up to `k` items like this one: by vector, then those chosen together with it."""
        asker = Asker(Attempts(), recent=(item_id,), item_id=item_id, banned=frozenset((item_id,)))
        selection = Selection(k, asker.banned)
        for source, name in zip(self._like_item, (GMF, COVISITATION), strict=True):
            proposal = (await source.propose(asker, k + SPARE)).get(name)
            if proposal is not None and selection.n_missing:
                metadata = await self.items.read(proposal.ids, asker.attempts)
                pairs = zip(proposal.ids, proposal.scores, strict=True)
                selection.offer(pairs, _shown_source(name, asker), metadata)
        return self._answer(selection.items, asker)

    async def asker(self, request: RecommendationRequest) -> Asker:
        """Return what the sources need to know of who asks."""
        attempts = Attempts()
        profile = _STRANGER
        user_id = request.user_id
        if user_id is not None:
            n_seen = self._n_seen_excluded if request.exclude_seen else 0
            profile = await attempts.of(
                self._store_guard, lambda: self._store.get_profile(user_id, n_seen), _STRANGER
            )
        state = profile.document.state if profile.document is not None else None
        item_id = request.item_id
        if state is None:
            recent = () if item_id is None else (item_id,)
            banned = frozenset((*profile.seen, *recent))
            return Asker(attempts, None, None, recent, 0, item_id, banned, True, request.categories)
        return Asker(
            attempts,
            state.vector,
            state.generation,
            state.recent,
            state.n_events,
            item_id,
            frozenset((*profile.seen, *state.disliked)),
            request.exclude_seen,
            request.categories,
        )

    def _answer(self, items: list[RecommendedItem], asker: Asker) -> Recommendations:
        if asker.attempts.is_degraded:
            self._metrics.count("recommender.degraded")
        for name, n in Counter(item.source for item in items).items():
            self._metrics.count(f"recommender.items.{name}", n)
        return Recommendations(
            items, _based_on(items, asker), asker.served_generation, asker.attempts.is_degraded
        )

    async def _fill(self, selection: Selection, asker: Asker, stage: Stage, ranker: BlendRanker) -> None:
        """Offer the stage's best, and once more of them when too few of those fit."""
        for n in _widths(selection.n_missing, is_filtered=bool(asker.categories)):
            candidates = await self.retrieval.candidates(asker, stage, n)
            await self._offer(selection, asker, candidates, ranker)
            if not selection.n_missing or len(candidates.ids) < n:
                return

    async def _offer(
        self, selection: Selection, asker: Asker, candidates: Candidates[str], ranker: BlendRanker
    ) -> None:
        """Offer candidates, best first; no more metadata is read than it takes."""
        probabilities = ranker.probabilities(candidates)
        order = (-probabilities).argsort(kind="stable")
        start = 0
        while selection.n_missing and start < len(order):
            n = selection.n_missing * (FILTERED_FACTOR if asker.categories else 1) + SPARE
            places = order[start : start + n].tolist()
            start += n
            ids = [candidates.ids[place] for place in places]
            metadata = await self.items.read(ids, asker.attempts)
            scores = probabilities[places].tolist()
            for source, *pair in zip(ranker.main_sources(candidates, places), ids, scores, strict=True):
                selection.offer(
                    [(pair[0], pair[1])], _shown_source(source, asker), metadata, asker.categories
                )


def _widths(n_missing: int, *, is_filtered: bool) -> Iterator[int]:
    """Yield how many candidates to ask of each source: first few, then as many as the index gives."""
    few = max(N_PROPOSED, n_missing * (FILTERED_FACTOR if is_filtered else 1) + SPARE)
    if few < MAX_K:
        yield few
    yield MAX_K


def _shown_source(name: str, asker: Asker) -> SourceName:
    if name.startswith("popular"):
        return "popular"
    if name == GMF and asker.vector is None:
        return "similar"
    return name if name in _SOURCE_NAMES else "popular"  # type: ignore[return-value]


def _fallback_reason(answer: Recommendations, k: int, asker: Asker) -> str | None:
    """Return why the user's own vector had no part in the answer, or items are missing; else None."""
    if asker.vector is None:
        return "stranger"
    if "index" in asker.attempts.failed:
        return "index_unavailable"
    if asker.served_generation is None:
        return "generation_not_served"
    return "too_few_candidates" if len(answer.items) < k else None


def _based_on(items: Sequence[RecommendedItem], asker: Asker) -> BasedOn:
    if not items or all(item.source == "popular" for item in items):
        return "popular_items"
    return "user_id" if asker.generation is not None else "item_id"
