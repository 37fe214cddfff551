"""Liveness: the same answer of both services."""

import falcon
import msgspec


class Health(msgspec.Struct, frozen=True):
    """State of the server, and of the parts it rests on: "ok" or what is wrong with each."""

    status: str
    parts: dict[str, str] = {}


_LIVE = msgspec.json.encode(Health("ok"))


class Live:
    """`GET /health/live`: the process runs. In an ASGI app its route is added with the suffix ``async``."""

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Answer always."""
        resp.data = _LIVE

    async def on_get_async(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer always."""
        self.on_get(req, resp)
