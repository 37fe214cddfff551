"""Bars of an item's value."""

import falcon.asgi
import msgspec

from recommender_server.history_schemas import BAR_MINUTES, HistoryAnswer, HistoryQuery
from streamrec.errors import UnknownId
from streamrec.serving.catalog import Catalog
from streamrec.serving.item_history import HistoryReader, HistoryRequest
from streamrec.web.bodies import JSON
from streamrec.web.ids import id_in_path
from streamrec.web.queries import query_of

_encode = msgspec.json.Encoder().encode


class History:
    """`GET /v1/items/{item_id}/history`."""

    def __init__(self, reader: HistoryReader, catalog: Catalog) -> None:
        self._reader = reader
        self._catalog = catalog

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, item_id: str) -> None:
        """Answer with the item's bars; none for an item of the catalog that no value was ever seen of.

        Raises
        ------
        UnknownId
            When neither a history nor the catalog has the item.
        Unavailable
            When the hot cache does not answer.
        """
        wanted = id_in_path(item_id)
        query = query_of(req, HistoryQuery)
        is_carried = query.empty == "carry"
        request = HistoryRequest(wanted, query.minutes, BAR_MINUTES[query.resolution], is_carried)
        known = await self._reader.read(request)
        if known is None and not await self._catalog.has_item(wanted):
            raise UnknownId(f"there is no item {wanted!r}")
        now, bars = (None, []) if known is None else known
        resp.data = _encode(HistoryAnswer(wanted, query.resolution, now, bars))
        resp.content_type = JSON
