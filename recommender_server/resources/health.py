"""Readiness: the server can answer."""

import falcon
import falcon.asgi
import msgspec

from streamrec.serving.readiness import OK, Readiness
from streamrec.web.bodies import JSON
from streamrec.web.health import Health

_encode = msgspec.json.Encoder().encode


class Ready:
    """`GET /health/ready`: 503 until every part has answered once; each part's state now."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Ask every part something small, side by side."""
        resp.data = _encode(await health_of(self._readiness))
        resp.content_type = JSON
        resp.status = falcon.HTTP_200 if self._readiness.is_ready else falcon.HTTP_503


async def health_of(readiness: Readiness) -> Health:
    """Return the state of the server in a word, and that of each part."""
    parts = await readiness.states()
    is_well = all(state == OK for state in parts.values())
    return Health(("ok" if is_well else "degraded") if readiness.is_ready else "not ready", parts)
