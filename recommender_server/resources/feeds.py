"""Feeds: what everybody chooses, what is chosen more and more, and what is new."""

import falcon.asgi
import msgspec

from recommender_server.list_schemas import FeedQuery, PopularQuery, wanted_of
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.domain.sources.feeds import popular_feed
from streamrec.serving.feeds.feed_finder import FeedFinder
from streamrec.web.bodies import JSON
from streamrec.web.queries import query_of

_encode = msgspec.json.Encoder().encode


class Popular:
    """`GET /v1/popular`."""

    def __init__(self, finder: FeedFinder) -> None:
        self._finder = finder

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with what everybody chooses."""
        query = query_of(req, PopularQuery, lists=("category", "filter"))
        resp.data = _encode(await self._finder.find(popular_feed(query.window), _request(query)))
        resp.content_type = JSON


class Ranked:
    """`GET /v1/trending` and `GET /v1/latest`."""

    def __init__(self, finder: FeedFinder, name: str) -> None:
        self._finder = finder
        self._feed = (name,)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with the feed's items."""
        query = query_of(req, FeedQuery, lists=("category", "filter"))
        resp.data = _encode(await self._finder.find(self._feed, _request(query)))
        resp.content_type = JSON


def _request(query: FeedQuery) -> RecommendationRequest:
    categories, conditions = wanted_of(query.category, query.filter)
    return RecommendationRequest(
        query.k,
        categories=categories,
        cursor=query.cursor or None,
        conditions=conditions,
    )
