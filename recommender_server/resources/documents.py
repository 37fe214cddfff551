"""The API's own description, for programs and for people."""

from pathlib import Path
from typing import Final

import falcon.asgi
import msgspec

from recommender_server.openapi import document
from streamrec.web.bodies import JSON

API_VERSION: Final = "1.0.0"
"""Of the contract: it changes when the routes or types do, not with every release."""

PAGE: Final = Path(__file__).parents[1] / "docs.html"


class OpenApi:
    """`GET /openapi.json`."""

    def __init__(self, root_path: str) -> None:
        self._document = msgspec.json.encode(document(API_VERSION, root_path.rstrip("/")))

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with the OpenAPI document."""
        resp.data = self._document
        resp.set_header("Cache-Control", "no-cache")
        resp.content_type = JSON


class Docs:
    """`GET /docs`: a page that shows the OpenAPI document, from this server alone."""

    def __init__(self) -> None:
        self._page = PAGE.read_bytes()

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with the page."""
        resp.data = self._page
        resp.set_header("Cache-Control", "no-cache")
        resp.content_type = "text/html; charset=utf-8"
