"""The recommender over the ports of the servers."""

import random
from typing import NamedTuple

from streamrec.domain.items.exploration import ExplorationBy
from streamrec.ports import DocumentStore, HotCache, ItemIndex, Metrics, UserProfile
from streamrec.serving.batch.batch_recommender import BatchRecommender
from streamrec.serving.batch.read_together import ItemsTogether, UsersTogether
from streamrec.serving.batch_lists.answers import BatchListRecommender
from streamrec.serving.batch_lists.published import PublishedBatches
from streamrec.serving.experiments.challenger import ServedChallenger, guarded_users
from streamrec.serving.experiments.variants import Usual
from streamrec.serving.exposures.counting import Exposures
from streamrec.serving.exposures.journey import JourneyReader
from streamrec.serving.exposures.reading import ExposureReader
from streamrec.serving.exposures.user_steps import UserStepReader
from streamrec.serving.feeds.created import CreatedReader
from streamrec.serving.feeds.feed_finder import FeedFinder
from streamrec.serving.filters.followed_items import FollowedItems
from streamrec.serving.filters.item_filters import ItemFilters
from streamrec.serving.guard import Answered, Guard
from streamrec.serving.item_history import HistoryReader
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.recommender import UNKNOWN_USER, Profiles, Recommender
from streamrec.serving.similar import SimilarFinder
from streamrec.serving.similar_users import SimilarUserFinder
from streamrec.serving.sources.exploring import Exploration, Explorer
from streamrec.serving.sources.learned_blend import LearnedBlend
from streamrec.serving.sources.metadata import Metadata
from streamrec.serving.sources.near_categories import FollowedCategories, NearCategories
from streamrec.serving.sources.reading import ServedReader
from streamrec.serving.sources.reading_rankings import RankingReader
from streamrec.serving.sources.retrieval import Retrieval
from streamrec.serving.status_reader import StatusReader
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.serving.users.fresh import FreshUsers
from streamrec.settings.attribution import PURCHASE_TYPES


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
    purchase_types
        Types of events that are purchases.
    """

    timeout_s: float = 0.5
    n_seen_excluded: int = 2000
    exploration_share: float = 0.0
    exploration_by: ExplorationBy = "uncertainty"
    ranking_age_s: float = 0.0
    purchase_types: frozenset[str] = PURCHASE_TYPES


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

    `items`, `blend`, `rankings`, `categories` and `followed` read beside the answers; `accepted` is told of
    events, `exposures` of lists as well. `usual` is what variants of experiments are made of.
    """

    recommender: Recommender
    batch: BatchRecommender
    feeds: FeedFinder
    similar: SimilarFinder
    items: ItemReader
    blend: LearnedBlend
    rankings: RankingReader
    categories: FollowedCategories
    history: HistoryReader
    similar_users: SimilarUserFinder
    accepted: AcceptedChoices
    status: StatusReader
    followed: FollowedItems
    exposures: Exposures
    exposure_reader: ExposureReader
    batch_lists: BatchListRecommender
    usual: Usual
    step_reader: UserStepReader
    journey_reader: JourneyReader

    def start(self) -> None:
        """Begin to read what filters need, before the first of them is asked for."""
        self.followed.start()
        self.exposures.start()

    async def aclose(self) -> None:
        """Wait for what is being read beside the answers."""
        for part in (
            self.items,
            self.blend,
            self.rankings,
            self.categories,
            self.followed,
            self.exposures,
        ):
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
    reader = ServedReader(cache, cache_guard, index, index_guard, limits.ranking_age_s)
    followed = FollowedItems(store, metrics)
    categories = FollowedCategories(followed, NearCategories(items))
    filters = ItemFilters(followed, limits.timeout_s)
    accepted = AcceptedChoices()
    published = GuardedUsers(store, store_guard, limits.n_seen_excluded)

    def fresh(users: Profiles) -> FreshUsers:
        return FreshUsers(users, accepted, cache, cache_guard, blend, metrics)

    def retrieval_without(left_out: frozenset[str]) -> Retrieval:
        return Retrieval(reader, categories, left_out, filters)

    def recommender_of(users: Profiles, items: Metadata) -> Recommender:
        return Recommender(
            users, retrieval=retrieval, items=items, blend=blend, metrics=metrics, explorer=explorer
        )

    def batch_of() -> tuple[UsersTogether, Recommender]:
        together = UsersTogether(store, store_guard, limits.n_seen_excluded, published)
        return together, recommender_of(fresh(together), ItemsTogether(items))

    retrieval = retrieval_without(frozenset())
    exploration = Exploration(limits.exploration_share, limits.exploration_by)
    explorer = Explorer(reader.rankings, items, exploration, random.Random())
    users = fresh(published)
    recommender = recommender_of(users, items)
    batches = PublishedBatches(store, store_guard)
    feeds = FeedFinder(
        Retrieval(CreatedReader(reader, followed), categories, filters=filters), items, metrics
    )
    exposures = Exposures(cache, metrics, purchase_types=limits.purchase_types)
    return Serving(
        recommender,
        batch=BatchRecommender(batch_of),
        feeds=feeds,
        similar=SimilarFinder(retrieval, items, blend, metrics),
        items=items,
        blend=blend,
        rankings=reader.rankings,
        categories=categories,
        history=HistoryReader(cache, cache_guard),
        similar_users=SimilarUserFinder(store, store_guard, index, index_guard),
        accepted=accepted,
        status=StatusReader(cache, cache_guard),
        followed=followed,
        exposures=exposures,
        exposure_reader=ExposureReader(cache, cache_guard),
        batch_lists=BatchListRecommender(batches, recommender, items, blend, metrics),
        usual=Usual(
            users,
            retrieval_without,
            items,
            blend,
            reader.rankings,
            exploration,
            batches,
            ServedChallenger(cache, cache_guard, guarded_users(store, store_guard), blend, metrics),
        ),
        step_reader=UserStepReader(exposures.steps, cache, cache_guard),
        journey_reader=JourneyReader(exposures.lists, cache, cache_guard),
    )
