"""The recommender over the ports of the servers."""

import random
from typing import NamedTuple

from streamrec.domain.items.exploration import ExplorationBy
from streamrec.ports import DocumentStore, HotCache, ItemIndex, Metrics, UserProfile
from streamrec.serving.guard import Answered, Guard
from streamrec.serving.item_history import HistoryReader
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.recommender import UNKNOWN_USER, Recommender
from streamrec.serving.similar import SimilarFinder
from streamrec.serving.similar_users import SimilarUserFinder
from streamrec.serving.sources.exploring import Exploration, Explorer
from streamrec.serving.sources.learned_blend import LearnedBlend
from streamrec.serving.sources.near_categories import NearCategories
from streamrec.serving.sources.reading import ServedReader
from streamrec.serving.sources.reading_rankings import RankingReader
from streamrec.serving.sources.retrieval import Retrieval
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.serving.users.fresh import FreshUsers


class ServingLimits(NamedTuple):
    """Bounds of answers.

    Attributes
    ----------
    timeout_s
        Longest wait for any one part.
    n_seen_excluded
        Newest seen items that are left out.
    exploration_share
        Of the positions in lists, given to new items.
    exploration_by
        What chooses these items.
    ranking_age_s
        A copy of a ranking is at most so old; 0: none is used. Decoding them takes longer than all else.
    """

    timeout_s: float = 0.5
    n_seen_excluded: int = 2000
    exploration_share: float = 0.0
    exploration_by: ExplorationBy = "uncertainty"
    ranking_age_s: float = 0.0


class GuardedUsers:
    """The document store's users; while it is away everybody is unknown.

    Parameters
    ----------
    n_seen
        Newest seen items that are read.
    """

    def __init__(self, store: DocumentStore, guard: Guard, n_seen: int) -> None:
        self._store = store
        self._guard = guard
        self._n_seen = n_seen

    async def profile(self, user_id: str, *, with_seen: bool) -> Answered[UserProfile]:
        """Return what is known of a user, if wanted with seen items; `UNKNOWN_USER` when nothing is."""
        n_seen = self._n_seen if with_seen else 0
        return await self._guard.ask(lambda: self._store.get_profile(user_id, n_seen), UNKNOWN_USER)


class Serving(NamedTuple):
    """Finders and readers that answers are made with.

    `items`, `blend`, `rankings` and `categories` read beside the answers; `accepted` is told of events.
    """

    recommender: Recommender
    similar: SimilarFinder
    items: ItemReader
    blend: LearnedBlend
    rankings: RankingReader
    categories: NearCategories
    history: HistoryReader
    similar_users: SimilarUserFinder
    accepted: AcceptedChoices

    async def aclose(self) -> None:
        """Wait for what is being read beside the answers."""
        for part in (self.items, self.blend, self.rankings, self.categories):
            await part.aclose()


def serving_over(
    store: DocumentStore, cache: HotCache, index: ItemIndex, metrics: Metrics, limits: ServingLimits
) -> Serving:
    """Return the recommender over these parts, each behind a timeout."""
    store_guard = Guard("store", limits.timeout_s, metrics)
    cache_guard = Guard("cache", limits.timeout_s, metrics)
    index_guard = Guard("index", limits.timeout_s, metrics)
    items = ItemReader(cache, cache_guard, store, store_guard, metrics)
    blend = LearnedBlend(cache, cache_guard)
    categories = NearCategories(items)
    reader = ServedReader(cache, cache_guard, index, index_guard, limits.ranking_age_s)
    retrieval = Retrieval(reader, categories)
    accepted = AcceptedChoices()
    published = GuardedUsers(store, store_guard, limits.n_seen_excluded)
    users = FreshUsers(published, accepted, cache, cache_guard, blend, metrics)
    exploration = Exploration(limits.exploration_share, limits.exploration_by)
    explorer = Explorer(reader.rankings, items, exploration, random.Random())
    recommender = Recommender(
        users, retrieval=retrieval, items=items, blend=blend, metrics=metrics, explorer=explorer
    )
    similar = SimilarFinder(retrieval, items, blend, metrics)
    history = HistoryReader(cache, cache_guard)
    similar_users = SimilarUserFinder(store, store_guard, index, index_guard)
    return Serving(
        recommender,
        similar=similar,
        items=items,
        blend=blend,
        rankings=reader.rankings,
        categories=categories,
        history=history,
        similar_users=similar_users,
        accepted=accepted,
    )
