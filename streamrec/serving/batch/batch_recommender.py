"""Lists for many users, some of them at a time."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from streamrec.domain.ranking.recommendation import RecommendationRequest, Recommendations
from streamrec.errors import InvalidInput

USERS_AT_ONCE = 32
"""Half of what the index takes in one request; others' answers wait some 30 ms at most."""


class One(NamedTuple):
    """Answer to one request of many.

    Attributes
    ----------
    error
        Why there is none.
    """

    recommendations: Recommendations | None = None
    error: str | None = None


class ReadTogether(Protocol):
    """Reader of many users."""

    async def read(self, user_ids: Sequence[str], *, with_seen: bool) -> None:
        """Read these, for the lists that are asked for next."""


class Recommends(Protocol):
    """Recommender over the users that were read."""

    async def recommend(self, request: RecommendationRequest) -> Recommendations:
        """Return `k` items where so many exist."""


class BatchRecommender:
    """Answers many requests; what is wrong with one costs that one alone.

    Parameters
    ----------
    made
        Returns a reader of users, and a recommender over it, for one batch.
    """

    def __init__(self, made: Callable[[], tuple[ReadTogether, Recommends]]) -> None:
        self._made = made

    async def recommend(self, requests: Sequence[RecommendationRequest]) -> list[One]:
        """Return an answer to each request, in order; all of them want seen items left out, or none does."""
        users, recommender = self._made()
        answers: list[One] = []
        for first in range(0, len(requests), USERS_AT_ONCE):
            some = requests[first : first + USERS_AT_ONCE]
            user_ids = dict.fromkeys(one.user_id for one in some if one.user_id is not None)
            await users.read(list(user_ids), with_seen=some[0].exclude_seen)
            answers += await asyncio.gather(*(_answer(recommender, request) for request in some))
            await asyncio.sleep(0)
        return answers


async def _answer(recommender: Recommends, request: RecommendationRequest) -> One:
    try:
        return One(await recommender.recommend(request))
    except InvalidInput as error:
        return One(error=str(error))
