"""Users: what is known of them, and how they are erased."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

import falcon
import falcon.asgi
import msgspec

from recommender_server.bodies import body_of
from recommender_server.schemas import UserBody, view_of
from recommender_server.search_schemas import UserIds, UsersQuery
from recommender_server.user_schemas import SimilarUsersQuery, answer_of
from streamrec.domain.items.item import checked_attributes
from streamrec.domain.users.user import MAX_ATTRIBUTES_BYTES
from streamrec.serving.catalog import Catalog
from streamrec.serving.similar_users import SimilarUserFinder
from streamrec.settings.key_file import Scope
from streamrec.web.bodies import JSON, BodyReader
from streamrec.web.ids import id_in_path
from streamrec.web.queries import query_of

_decoder = msgspec.json.Decoder(UserBody)
_encode = msgspec.json.Encoder().encode


class User:
    """`/v1/users/{user_id}`."""

    def __init__(
        self, catalog: Catalog, max_body_bytes: int, forget: Callable[[str], Awaitable[None]]
    ) -> None:
        """`forget` is told who was erased, for what is held of them beside the catalog."""
        self._catalog = catalog
        self._forget = forget
        self._reader = BodyReader(min(max_body_bytes, MAX_ATTRIBUTES_BYTES))

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        """Answer with what is known of the user."""
        resp.data = _encode(view_of(await self._catalog.get_user(id_in_path(user_id))))
        resp.content_type = JSON

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        """Replace the attributes."""
        wanted = id_in_path(user_id)
        body = await body_of(req, self._reader, _decoder, UserBody.__struct_fields__)
        await self._catalog.put_attributes(wanted, checked_attributes(body.attributes))
        resp.status = falcon.HTTP_204

    async def on_delete(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        """Erase the user; repeating it, or erasing an unknown user, is no error."""
        wanted = id_in_path(user_id)
        await self._catalog.erase_user(wanted)
        await self._forget(wanted)
        resp.status = falcon.HTTP_204


class SimilarUsers:
    """`/v1/users/{user_id}/similar`."""

    def __init__(self, finder: SimilarUserFinder) -> None:
        self._finder = finder

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, user_id: str) -> None:
        """Answer with users like this one, and what they do; none for one who chose nothing yet.

        Raises
        ------
        UnknownId
            When there is no such user.
        Unavailable
            When the store or the index does not answer: there is nothing to fall back to.
        """
        wanted = id_in_path(user_id)
        query = query_of(req, SimilarUsersQuery)
        resp.data = _encode(answer_of(wanted, await self._finder.similar(wanted, query.k)))
        resp.content_type = JSON


class Users:
    """`/v1/users`."""

    scopes: ClassVar = {"GET": Scope.ADMIN}

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with ids that start with a prefix, a page of them."""
        query = query_of(req, UsersQuery)
        found = await self._catalog.find_users(query.prefix, query.limit, query.after)
        resp.data = _encode(UserIds(*found))
        resp.content_type = JSON
