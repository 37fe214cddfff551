"""The API's own description, for programs; the page for people is made from it."""

import falcon.asgi
import msgspec

from recommender_server.openapi import document
from streamrec import __version__
from streamrec.web.bodies import JSON


class OpenApi:
    """`GET /openapi.json`."""

    def __init__(self, root_path: str) -> None:
        self._document = msgspec.json.encode(document(__version__, root_path.rstrip("/")))

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with the OpenAPI document."""
        resp.data = self._document
        resp.set_header("Cache-Control", "no-cache")
        resp.content_type = JSON
