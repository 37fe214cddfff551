"""Whether the process is alive, and whether it can answer."""

import asyncio
from collections.abc import Awaitable

import falcon
import falcon.asgi
import msgspec

from recommender_server.request import JSON
from recommender_server.schemas import Health
from streamrec.errors import StreamrecError
from streamrec.ports import DocumentStore, HotCache, IndexQuery, ItemIndex

_PROBE = "health-probe"

_encode = msgspec.json.Encoder().encode


class Live:
    """`GET /health/live`."""

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer that the process runs."""
        resp.data = _encode(Health("ok"))
        resp.content_type = JSON


class Ready:
    """`GET /health/ready`: 503 while a store is away. An index that is away is told, but degrades only."""

    def __init__(self, store: DocumentStore, cache: HotCache, index: ItemIndex, timeout_s: float) -> None:
        self._store = store
        self._cache = cache
        self._index = index
        self._timeout_s = timeout_s

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Ask every part something small, side by side."""
        store, cache, index = await asyncio.gather(
            self._state(self._store.get_user(_PROBE)),
            self._state(self._cache.popular(_PROBE, 1)),
            self._state(self._index.search(IndexQuery(1, item_id=_PROBE))),
        )
        is_ready = store == cache == "ok"
        parts = {"store": store, "cache": cache, "index": index}
        resp.data = _encode(Health("ok" if is_ready else "not ready", parts))
        resp.content_type = JSON
        resp.status = falcon.HTTP_200 if is_ready else falcon.HTTP_503

    async def _state(self, probe: Awaitable[object]) -> str:
        try:
            async with asyncio.timeout(self._timeout_s):
                await probe
        except TimeoutError:
            return f"no answer within {self._timeout_s} s"
        except StreamrecError as error:
            return str(error)
        return "ok"
