"""Answers requests for recommendations, with whatever works at the moment."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streamrec.domain.recommendation import (
    MAX_K,
    BasedOn,
    RecommendationRequest,
    Recommendations,
    RecommendedItem,
    Selection,
)
from streamrec.ports import DocumentStore, HotCache, ItemIndex, Metrics, UserProfile
from streamrec.serving.guard import Attempts, Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.sources import (
    ALL_TIME,
    DECAYED,
    Asker,
    CandidateSource,
    PopularSource,
    SimilarSource,
    VectorSource,
)

SPARE = 4
"""Candidates asked for beyond those wanted: a few hidden items cost no second search."""

FILTERED_FACTOR = 5
"""Candidates asked for per item wanted of some categories: one item in five fits, or we ask again."""


_STRANGER = UserProfile(None, [])


class ServingLimits(NamedTuple):
    """How long to wait for any one part, in seconds, and how many of the newest seen items are left out."""

    timeout_s: float = 0.5
    n_seen_excluded: int = 2000


class Recommender:
    """Fills answers from an ordered list of sources: the user's vector, the item looked at, popularity."""

    def __init__(
        self, store: DocumentStore, cache: HotCache, index: ItemIndex, metrics: Metrics, limits: ServingLimits
    ) -> None:
        self._store = store
        self._n_seen_excluded = limits.n_seen_excluded
        self._metrics = metrics
        self._store_guard = Guard("store", limits.timeout_s, metrics)
        cache_guard = Guard("cache", limits.timeout_s, metrics)
        index_guard = Guard("index", limits.timeout_s, metrics)
        self.items = ItemReader(cache, cache_guard, store, self._store_guard, metrics)
        self._similar = SimilarSource(index, index_guard)
        self._sources: tuple[CandidateSource, ...] = (
            VectorSource(index, index_guard),
            self._similar,
            PopularSource(DECAYED, cache, cache_guard),
            PopularSource(ALL_TIME, cache, cache_guard),
        )

    async def recommend(self, request: RecommendationRequest) -> Recommendations:
        """Return `k` items where so many exist; never raises for a part that is down.

        A known user gets what the model ranks highest for them. A stranger who looks at a known item gets
        what is similar to it, anybody else what is popular; each source fills up what the former leaves open.
        """
        asker = await self._asker(request)
        is_known = "store" not in asker.attempts.failed
        answer = await self._answer(request, asker, self._sources)
        if request.user_id is not None:
            reason = _fallback_reason(answer, request.k, asker) if is_known else "store_unavailable"
            self._metrics.count(f"recommender.fallback.{reason}" if reason else "recommender.personalized")
        return answer

    async def similar(self, item_id: str, k: int) -> Recommendations:
        """Return up to `k` items like this one, without falling back to popular ones."""
        request = RecommendationRequest(k, item_id=item_id)
        asker = Asker(None, None, item_id, (), frozenset(), Attempts())
        return await self._answer(request, asker, (self._similar,))

    async def _asker(self, request: RecommendationRequest) -> Asker:
        attempts = Attempts()
        profile = _STRANGER
        user_id = request.user_id
        if user_id is not None:
            n_seen = self._n_seen_excluded if request.exclude_seen else 0
            profile = await attempts.of(
                self._store_guard, lambda: self._store.get_profile(user_id, n_seen), _STRANGER
            )
        state = profile.document.state if profile.document is not None else None
        if state is None:
            return Asker(None, None, request.item_id, profile.seen, request.categories, attempts)
        banned = [*profile.seen, *state.disliked]
        return Asker(state.vector, state.generation, request.item_id, banned, request.categories, attempts)

    async def _answer(
        self, request: RecommendationRequest, asker: Asker, sources: Sequence[CandidateSource]
    ) -> Recommendations:
        selection = Selection(request.k, asker.banned)
        for source in sources:
            await self._fill(selection, source, asker)
            if not selection.n_missing:
                break
        if asker.attempts.is_degraded:
            self._metrics.count("recommender.degraded")
        for name, n in Counter(item.source for item in selection.items).items():
            self._metrics.count(f"recommender.items.{name}", n)
        return Recommendations(
            selection.items, _based_on(selection.items), asker.served_generation, asker.attempts.is_degraded
        )

    async def _fill(self, selection: Selection, source: CandidateSource, asker: Asker) -> None:
        """Offer the source's best, and once more of them when too few of those fit."""
        categories = () if source.knows_categories else asker.categories
        for n in _widths(selection.n_missing, is_filtered=bool(categories)):
            candidates = await source.candidates(asker, n)
            if not candidates:
                return
            metadata = await self.items.read([item_id for item_id, _ in candidates], asker.attempts)
            selection.offer(candidates, source.name, metadata, categories)
            if not selection.n_missing or len(candidates) < n:
                return


def _widths(n_missing: int, *, is_filtered: bool) -> Iterator[int]:
    """Yield how many candidates to ask for: first few, then as many as the index gives."""
    few = n_missing * (FILTERED_FACTOR if is_filtered else 1) + SPARE
    if few < MAX_K:
        yield few
    yield MAX_K


def _fallback_reason(answer: Recommendations, k: int, asker: Asker) -> str | None:
    """Return why not all items come from the user's own vector; None when they do."""
    if asker.vector is None:
        return "stranger"
    # Sources are asked in order: when the last item is the vector's, all are.
    if len(answer.items) == k and answer.items[-1].source == "gmf":
        return None
    if "index" in asker.attempts.failed:
        return "index_unavailable"
    return "too_few_candidates" if asker.served_generation is not None else "generation_not_served"


def _based_on(items: Sequence[RecommendedItem]) -> BasedOn:
    if not items or items[0].source == "popular":
        return "popular_items"
    return "user_id" if items[0].source == "gmf" else "item_id"
