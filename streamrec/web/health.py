"""Liveness: the same answer of both services."""

import falcon.asgi
import msgspec


class Health(msgspec.Struct, frozen=True):
    """State of the server, and of the parts it rests on: "ok" or what is wrong with each."""

    status: str
    parts: dict[str, str] = {}


_LIVE = msgspec.json.encode(Health("ok"))


class Live:
    """`GET /health/live`: the process runs."""

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer always."""
        resp.data = _LIVE
