"""Item metadata."""

import falcon
import falcon.asgi
import msgspec

from recommender_server.bodies import body_of
from recommender_server.schemas import ItemBodies, ItemBody, NamedItemBody, item_of
from recommender_server.search_schemas import (
    ChoosersAnswer,
    ChoosersQuery,
    ChooserView,
    ItemsAnswer,
    ItemsQuery,
)
from streamrec.domain.events.values import id_of
from streamrec.serving.catalog import Catalog
from streamrec.web.bodies import JSON, BodyReader
from streamrec.web.ids import id_in_path
from streamrec.web.queries import query_of

_item_decoder = msgspec.json.Decoder(ItemBody)
_items_decoder: msgspec.json.Decoder[list[NamedItemBody]] = msgspec.json.Decoder(ItemBodies)
_encode = msgspec.json.Encoder().encode


class Item:
    """`/v1/items/{item_id}`."""

    def __init__(self, catalog: Catalog, max_body_bytes: int) -> None:
        self._catalog = catalog
        self._reader = BodyReader(max_body_bytes)

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response, item_id: str) -> None:
        """Answer with the item as it is stored."""
        resp.data = _encode(await self._catalog.get_item(id_in_path(item_id)))
        resp.content_type = JSON

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, item_id: str) -> None:
        """Replace the whole item."""
        wanted = id_in_path(item_id)
        body = await body_of(req, self._reader, _item_decoder, ItemBody.__struct_fields__)
        await self._catalog.put_items([item_of(wanted, body)])
        resp.status = falcon.HTTP_204

    async def on_delete(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response, item_id: str) -> None:
        """Delete the metadata, and take the item out of the index."""
        await self._catalog.delete_item(id_in_path(item_id))
        resp.status = falcon.HTTP_204


class Items:
    """`/v1/items`."""

    def __init__(self, catalog: Catalog, max_body_bytes: int) -> None:
        self._catalog = catalog
        self._reader = BodyReader(max_body_bytes)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with a page of items, of all or by id or title."""
        query = query_of(req, ItemsQuery)
        found = await self._catalog.find_items(
            query.text, query.limit, query.after, with_text=query.with_text
        )
        resp.data = _encode(ItemsAnswer(*found))
        resp.content_type = JSON

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Replace many items: all or none."""
        bodies = await body_of(req, self._reader, _items_decoder, NamedItemBody.__struct_fields__)
        # Of two with the same id the last counts, as it would one after the other.
        ids = [id_of(f"item {position}: item_id", body.item_id) for position, body in enumerate(bodies)]
        items = {item_id: item_of(item_id, body) for item_id, body in zip(ids, bodies, strict=True)}
        await self._catalog.put_items(list(items.values()))
        resp.status = falcon.HTTP_204


class ItemUsers:
    """`GET /v1/items/{item_id}/users`."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, item_id: str) -> None:
        """Answer with users who chose the item lately."""
        wanted, query = id_in_path(item_id), query_of(req, ChoosersQuery)
        found, next_after = await self._catalog.find_choosers(wanted, query.limit, query.after)
        users = [ChooserView(*chooser) for chooser in found]
        resp.data = _encode(ChoosersAnswer(wanted, users, next_after))
        resp.content_type = JSON
