"""Status of the whole: now, and within the last day."""

import falcon.asgi
import msgspec

from recommender_server.middleware import may_change
from recommender_server.resources.health import health_of
from recommender_server.status_schemas import SeriesQuery, StatusAnswer
from streamrec.serving.readiness import Readiness
from streamrec.serving.status_reader import StatusReader
from streamrec.web.bodies import JSON
from streamrec.web.queries import query_of

_encode = msgspec.json.Encoder().encode


class Status:
    """`GET /v1/status`."""

    def __init__(self, reader: StatusReader, readiness: Readiness) -> None:
        self._reader, self._readiness = reader, readiness

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Ask every part something small, and read what the trainer says of itself."""
        state = await health_of(self._readiness)
        trainer = await self._reader.trainer()
        answer = StatusAnswer(self._reader.clock(), state.status, state.parts, may_change(req), trainer)
        resp.data = _encode(answer)
        resp.content_type = JSON


class StatusSeries:
    """`GET /v1/status/series`."""

    def __init__(self, reader: StatusReader) -> None:
        self._reader = reader

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with figures over time.

        Raises
        ------
        Unavailable
            When the hot cache does not answer.
        """
        query = query_of(req, SeriesQuery, lists=("name",))
        answer = await self._reader.series(query.resolution, query.since, dict.fromkeys(query.name))
        resp.data = _encode(answer)
        resp.content_type = JSON
