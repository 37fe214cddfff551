"""Recommenders of variants: the usual one, but for what a variant changes."""

import random
from collections.abc import Callable
from typing import NamedTuple

from streamrec.domain.experiments.definition import Changes
from streamrec.domain.ranking.diversity import Shape
from streamrec.ports import Metrics, UserProfile
from streamrec.serving.batch_lists.answers import BatchListRecommender
from streamrec.serving.batch_lists.published import PublishedBatches
from streamrec.serving.experiments.challenger import ServedChallenger
from streamrec.serving.experiments.own_ranker import OwnRanker
from streamrec.serving.experiments.running import SOURCE_NAMES
from streamrec.serving.guard import ALL_WELL, Answered
from streamrec.serving.recommender import Profiles, RankerSource, Recommender
from streamrec.serving.sources.exploring import Exploration, Explorer
from streamrec.serving.sources.metadata import Metadata
from streamrec.serving.sources.reading_rankings import RankingReader
from streamrec.serving.sources.retrieval import Retrieval


class Known(NamedTuple):
    """Profile of the one user who asks, as it was read already."""

    read: Answered[UserProfile]

    async def profile(self, _user_id: str, *, with_seen: bool) -> Answered[UserProfile]:
        """Return it; it was read as the request wants it, with seen items or without."""
        del with_seen
        return self.read


class Usual(NamedTuple):
    """Parts of the recommender where no experiment changes anything.

    Attributes
    ----------
    users
        Reader of who asks.
    retrieval_without
        Returns a retrieval that leaves some sources out.
    """

    users: Profiles
    retrieval_without: Callable[[frozenset[str]], Retrieval]
    items: Metadata
    blend: RankerSource
    rankings: RankingReader
    exploration: Exploration
    batches: PublishedBatches
    challenger: ServedChallenger


class Variants:
    """Makes recommenders; parts that hold something are made once for each change.

    Parameters
    ----------
    rng
        Decides on exploration.
    """

    def __init__(self, usual: Usual, rng: random.Random) -> None:
        self._usual, self._rng = usual, rng
        self._retrievals: dict[frozenset[str], Retrieval] = {}
        self._explorers: dict[float, Explorer] = {}
        self._equal = OwnRanker(usual.blend)

    async def read(self, user_id: str, *, with_seen: bool) -> Known:
        """Return what is known of a user."""
        return Known(await self._usual.users.profile(user_id, with_seen=with_seen))

    async def known_to(self, changes: Changes, user_id: str, known: Known) -> Known:
        """Return what is known of a user to the model that answers."""
        if changes.generation != "challenger":
            return known
        return Known(await self._usual.challenger.of(user_id, known.read))

    def usual(self, metrics: Metrics) -> Recommender:
        """Return the recommender without an experiment."""
        return self.recommender(self._usual.users, Changes(), metrics)

    def recommender(self, users: Profiles, changes: Changes, metrics: Metrics) -> Recommender:
        """Return the recommender of a variant."""
        usual = self._usual
        return Recommender(
            users,
            retrieval=self._retrieval(changes.sources),
            items=usual.items,
            blend=self._blend(changes),
            metrics=metrics,
            explorer=self._explorer(changes.exploration),
        )

    def batch_lists(self, recommender: Recommender, metrics: Metrics) -> BatchListRecommender:
        """Return what answers by lists that were made beforehand, and fills them up by a recommender."""
        usual = self._usual
        return BatchListRecommender(usual.batches, recommender, usual.items, usual.blend, metrics)

    def _blend(self, changes: Changes) -> RankerSource:
        if changes.ranking == "equal":
            return self._equal
        return self._usual.challenger if changes.generation == "challenger" else self._usual.blend

    def _retrieval(self, sources: tuple[str, ...] | None) -> Retrieval:
        left_out = ALL_WELL if sources is None else SOURCE_NAMES.difference(sources)
        if left_out not in self._retrievals:
            self._retrievals[left_out] = self._usual.retrieval_without(left_out)
        return self._retrievals[left_out]

    def _explorer(self, share: float | None) -> Explorer:
        how = self._usual.exploration
        share = how.share if share is None else share
        if share not in self._explorers:
            usual = self._usual
            self._explorers[share] = Explorer(
                usual.rankings, usual.items, how._replace(share=share), self._rng
            )
        return self._explorers[share]


def shape_with(changes: Changes, shape: Shape, *, is_named: bool) -> Shape:
    """Return the shape that a variant gives a list; what the request names itself goes before it."""
    if changes.diversity is None or is_named:
        return shape
    return shape._replace(diversity=changes.diversity)
