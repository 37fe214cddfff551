"""The recommender over the ports of the servers."""

from typing import NamedTuple

from streamrec.ports import DocumentStore, HotCache, ItemIndex, Metrics, UserProfile
from streamrec.serving.guard import Attempts, Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.learned_blend import LearnedBlend
from streamrec.serving.recommender import STRANGER, Recommender
from streamrec.serving.retrieval import Retrieval


class ServingLimits(NamedTuple):
    """How long to wait for any one part, in seconds, and how many of the newest seen items are left out."""

    timeout_s: float = 0.5
    n_seen_excluded: int = 2000


class GuardedUsers:
    """The document store's users; while it is away everybody is a stranger."""

    def __init__(self, store: DocumentStore, guard: Guard) -> None:
        self._store = store
        self._guard = guard

    async def profile(self, user_id: str, n_seen: int, attempts: Attempts) -> UserProfile:
        """Return what is known of a user and the newest `n_seen` seen items; `STRANGER` when nothing is."""
        return await attempts.of(self._guard, lambda: self._store.get_profile(user_id, n_seen), STRANGER)


class Serving(NamedTuple):
    """What answers are made with.

    `items` and `blend` read beside the answers, and are closed with the app.
    """

    recommender: Recommender
    items: ItemReader
    blend: LearnedBlend


def serving_over(
    store: DocumentStore, cache: HotCache, index: ItemIndex, metrics: Metrics, limits: ServingLimits
) -> Serving:
    """Return the recommender over these parts, each behind a timeout."""
    store_guard = Guard("store", limits.timeout_s, metrics)
    cache_guard = Guard("cache", limits.timeout_s, metrics)
    index_guard = Guard("index", limits.timeout_s, metrics)
    items = ItemReader(cache, cache_guard, store, store_guard, metrics)
    blend = LearnedBlend(cache, cache_guard)
    retrieval = Retrieval(cache, cache_guard, index, index_guard)
    users = GuardedUsers(store, store_guard)
    recommender = Recommender(users, retrieval, items, blend, metrics, limits.n_seen_excluded)
    return Serving(recommender, items, blend)
