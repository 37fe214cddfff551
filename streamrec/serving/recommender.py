"""Answers requests for recommendations, with whatever works at the moment."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol, get_args

from streamrec.domain.blend import BlendRanker
from streamrec.domain.candidates import Candidates
from streamrec.domain.item import Item
from streamrec.domain.recommendation import (
    MAX_K,
    BasedOn,
    RecommendationRequest,
    Recommendations,
    RecommendedItem,
    Selection,
    SourceName,
)
from streamrec.ports import Metrics, UserProfile
from streamrec.serving.guard import Attempts
from streamrec.serving.retrieval import Retrieval, Stage
from streamrec.serving.sources import GMF, N_PROPOSED, Asker

STRANGER = UserProfile(None, [])

SPARE = 4
"""Candidates looked at beyond those wanted: a few hidden items cost no second look."""

FILTERED_FACTOR = 5
"""Candidates looked at per item wanted of some categories: one item in five fits, or we look further."""


_SOURCE_NAMES = frozenset(get_args(SourceName))


class Profiles(Protocol):
    """Where users are known."""

    async def profile(self, user_id: str, n_seen: int, attempts: Attempts) -> UserProfile:
        """Return what is known of a user and the newest `n_seen` seen items; `STRANGER` when nothing is."""


class Metadata(Protocol):
    """Where items are known."""

    async def read(self, item_ids: Sequence[str], attempts: Attempts) -> dict[str, Item]:
        """Return what is known of these."""


class RankerSource(Protocol):
    """Where the blend comes from."""

    async def ranker(self) -> BlendRanker:
        """Return the newest ranker."""


class Recommender:
    """Fills answers from what all sources propose, in the order that the learned blend gives it.

    Parameters
    ----------
    users
        Asked for whoever is to get an answer.
    retrieval
        Collects what the sources propose.
    items
        Reads metadata.
    blend
        Gives the ranker of the moment.
    """

    def __init__(
        self,
        users: Profiles,
        retrieval: Retrieval,
        items: Metadata,
        blend: RankerSource,
        metrics: Metrics,
        n_seen_excluded: int,
    ) -> None:
        self._users = users
        self._retrieval = retrieval
        self._items = items
        self._blend = blend
        self._metrics = metrics
        self._n_seen_excluded = n_seen_excluded

    async def recommend(self, request: RecommendationRequest) -> Recommendations:
        """Return `k` items where so many exist; never raises for a part that is down.

        A known user gets the blend of all sources. A stranger who looks at a known item gets what is like it,
        filled up with what is popular; anybody else gets what is popular.
        """
        asker = await self.asker(request)
        is_known = "store" not in asker.attempts.failed
        ranker = await self._blend.ranker()
        selection = Selection(request.k, asker.banned)
        for stage in self._retrieval.stages(asker):
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
        async for name, proposal in self._retrieval.like_item(asker, k + SPARE):
            metadata = await self._items.read(proposal.ids, asker.attempts)
            pairs = zip(proposal.ids, proposal.scores, strict=True)
            selection.offer(pairs, _shown_source(name, asker), metadata)
            if not selection.n_missing:
                break
        return self._answer(selection.items, asker)

    async def asker(self, request: RecommendationRequest) -> Asker:
        """Return what the sources need to know of who asks."""
        attempts = Attempts()
        profile = STRANGER
        user_id = request.user_id
        if user_id is not None:
            n_seen = self._n_seen_excluded if request.exclude_seen else 0
            profile = await self._users.profile(user_id, n_seen, attempts)
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
            candidates = await self._retrieval.candidates(asker, stage, n)
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
            metadata = await self._items.read(ids, asker.attempts)
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
