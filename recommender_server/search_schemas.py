"""Schemas of requests and answers where items and users are looked for."""

from typing import Annotated

import msgspec
from msgspec import Meta

from streamrec.domain.events.interaction import MAX_ID_BYTES
from streamrec.domain.items.item import Item


class ItemsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/items`."""

    text: Annotated[
        str, Meta(max_length=MAX_ID_BYTES, description="Start of the id, or part of the title, in any case.")
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=1000, description="Items of a page.")] = 20
    after: Annotated[
        str, Meta(max_length=MAX_ID_BYTES, description="Only ids behind this one: `next_after` of a page.")
    ] = ""
    with_text: Annotated[bool, Meta(description="Whether items come with their long texts.")] = False


class ItemsAnswer(msgspec.Struct, frozen=True):
    """Items in order of the bytes of their ids, hidden ones too; without their long texts unless asked for.

    `next_after`: what the next page is asked for with; null: there are no more.
    """

    items: list[Item]
    next_after: str | None


class UsersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/users`."""

    prefix: Annotated[str, Meta(max_length=MAX_ID_BYTES, description="Start of the ids.")] = ""
    limit: Annotated[int, Meta(ge=1, le=1000, description="Ids of a page.")] = 100
    after: Annotated[
        str,
        Meta(
            max_length=MAX_ID_BYTES,
            description="Only ids behind this one: `next_after` of a page.",
        ),
    ] = ""


class UserIds(msgspec.Struct, frozen=True):
    """Ids, in order of their bytes.

    `next_after`: what the next page is asked for with; null: there are no more.
    """

    user_ids: list[str]
    next_after: str | None


class ChoosersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/items/{item_id}/users`."""

    limit: Annotated[int, Meta(ge=1, le=100, description="Users of a page.")] = 20
    after: Annotated[
        str, Meta(max_length=MAX_ID_BYTES, description="Only ids behind this one: `next_after` of a page.")
    ] = ""


class ChooserView(msgspec.Struct, frozen=True):
    """A user who chose the item; `chosen_at`: Unix seconds of the event, null where that is not kept."""

    user_id: str
    chosen_at: int | None


class ChoosersAnswer(msgspec.Struct, frozen=True):
    """Users among whose recent items the item is, in order of the bytes of their ids.

    `next_after`: where to look on, also if this page holds nobody; null: all users were looked at.
    """

    item_id: str
    users: list[ChooserView]
    next_after: str | None
