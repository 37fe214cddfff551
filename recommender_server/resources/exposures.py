"""Exposures of all items, of an item, and of a user."""

import falcon.asgi
import msgspec

from streamrec.errors import UnknownId
from streamrec.serving.catalog import Catalog
from streamrec.serving.exposures.journey import JourneyReader
from streamrec.serving.exposures.reading import ExposureReader
from streamrec.serving.exposures.user_steps import UserStepReader
from streamrec.web.bodies import JSON
from streamrec.web.ids import id_in_path

_encode = msgspec.json.Encoder().encode


class Journey:
    """`GET /v1/exposures`."""

    def __init__(self, reader: JourneyReader) -> None:
        self._reader = reader

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with what became of items that were shown, and what the last lists were like.

        Raises
        ------
        Unavailable
            When the hot cache does not answer.
        """
        resp.data = _encode(await self._reader.read())
        resp.content_type = JSON


class ItemExposures:
    """`GET /v1/items/{item_id}/exposures`."""

    def __init__(self, reader: ExposureReader, catalog: Catalog) -> None:
        self._reader = reader
        self._catalog = catalog

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response, item_id: str) -> None:
        """Answer with what was counted of the item within the last day.

        Raises
        ------
        UnknownId
            When nothing was, and the catalog has no such item.
        Unavailable
            When the hot cache does not answer.
        """
        wanted = id_in_path(item_id)
        answer = await self._reader.read(wanted)
        if not any(answer.shown) and not answer.events and not await self._catalog.has_item(wanted):
            raise UnknownId(f"there is no item {wanted!r}")
        resp.data = _encode(answer)
        resp.content_type = JSON


class UserExposures:
    """`GET /v1/users/{user_id}/exposures`."""

    def __init__(self, reader: UserStepReader, catalog: Catalog) -> None:
        self._reader = reader
        self._catalog = catalog

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        """Answer with what was shown to the user lately, and what they did.

        Raises
        ------
        UnknownId
            When nothing was taken down, and there is no such user.
        Unavailable
            When the hot cache does not answer.
        """
        wanted = id_in_path(user_id)
        answer = await self._reader.read(wanted)
        if not answer.steps and not await self._catalog.has_user(wanted):
            raise UnknownId(f"there is no user {wanted!r}")
        resp.data = _encode(answer)
        resp.content_type = JSON
