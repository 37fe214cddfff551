"""Recommendations from a list made beforehand, filled up with those of the moment."""

import msgspec

from streamrec.domain.ranking.recommendation import (
    MAX_LISTED_IDS,
    RecommendationRequest,
    Recommendations,
    Selection,
)
from streamrec.domain.sources.table import BATCH
from streamrec.errors import InvalidInput
from streamrec.ports import Metrics
from streamrec.serving.batch_lists.published import PublishedBatches
from streamrec.serving.recommender import RankerSource, Recommender
from streamrec.serving.sources.filling import count_shown
from streamrec.serving.sources.metadata import Metadata


class BatchListRecommender:
    """Answers in the order of a user's list, without what the user has seen meanwhile.

    What the request leaves out is left out, as are hidden items. Where the list does not suffice, or there is
    none, what the recommender would answer comes behind it. A list has its order: it is not shaped.

    Parameters
    ----------
    recommender
        Knows who asks, and answers behind the list.
    blend
        Tells the time of the stream.
    """

    def __init__(
        self,
        batches: PublishedBatches,
        recommender: Recommender,
        items: Metadata,
        blend: RankerSource,
        metrics: Metrics,
    ) -> None:
        self._batches = batches
        self._recommender = recommender
        self._items = items
        self._blend = blend
        self._metrics = metrics

    async def recommend(self, request: RecommendationRequest, name: str) -> Recommendations:
        """Return `k` items where so many exist; does not raise for a part that is down.

        Raises
        ------
        InvalidInput
            When there is no batch of this name, or the request names no user, or a page.
        """
        if request.user_id is None:
            raise InvalidInput("lists are made for users: a variant needs a user_id")
        if request.cursor is not None:
            raise InvalidInput("a variant has one page: leave out the cursor")
        batch, failed = await self._batches.named(name)
        selection = Selection(request.k, (), request.required)
        if batch is not None:
            listed, failed_to_read = await self._batches.list_of(batch, request.user_id)
            context, failed_to_know = await self._recommender.context_of(request, self._blend.time())
            selection = Selection(request.k, context.banned, request.required)
            metadata, failed_to_tell = await self._items.read([item.item_id for item in listed])
            only, least = frozenset(request.only_ids), request.min_score
            wanted = [
                item
                for item in listed
                if (not only or item.item_id in only) and (least is None or item.score >= least)
            ]
            selection.offer(wanted, BATCH.name, metadata, request.categories)
            failed |= failed_to_read | failed_to_know | failed_to_tell
        return await self._filled_up(request, selection, failed)

    async def _filled_up(
        self, request: RecommendationRequest, selection: Selection, failed: frozenset[str]
    ) -> Recommendations:
        """Return an answer of what is taken from the list and, behind it, the recommender's."""
        taken = selection.items
        if taken:
            count_shown(self._metrics, [item.source for item in taken], failed)
        if not selection.n_missing:
            return Recommendations(taken, "user_id", None, bool(failed))
        # As many as a request may exclude: beyond, an item could come twice.
        excluded = request.exclude_ids | {item.item_id for item in taken[:MAX_LISTED_IDS]}
        rest = await self._recommender.recommend(
            msgspec.structs.replace(request, k=selection.n_missing, exclude_ids=excluded)
        )
        return msgspec.structs.replace(
            rest,
            items=taken + rest.items,
            based_on="user_id" if taken else rest.based_on,
            degraded=rest.degraded or bool(failed),
            next_cursor=None,
            popular_because=None if taken else rest.popular_because,
        )
