"""Requests about items: what is known of them, and what their values did."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from streamrec.client.answers.items import (
    ChoosersAnswer,
    ExposuresAnswer,
    HistoryAnswer,
    Item,
    ItemsAnswer,
)
from streamrec.client.call import Call, Id, encoded, fields_of, id_text, question

BarLength = Literal["1m", "5m", "15m", "1h"]
EmptyBars = Literal["absent", "carry"]

MAX_ITEMS = 10_000
"""Items that one request may hold."""


def get_item(item_id: Id) -> Call[Item]:
    """Ask what is known of an item: `GET /v1/items/{item_id}`."""
    return question("/v1/items/{item_id}", Item, ids=_ids(item_id))


def put_item(
    item_id: Id,
    *,
    kind: str | None = None,
    title: str | None = None,
    text: str | None = None,
    categories: Iterable[str] = (),
    is_hidden: bool = False,
    attributes: Mapping[str, Any] | None = None,
) -> Call[None]:
    """Replace all that is known of an item: `PUT /v1/items/{item_id}`. A hidden one is never offered."""
    body = {
        "kind": kind,
        "title": title,
        "text": text,
        "categories": list(categories),
        "is_hidden": is_hidden,
        "attributes": dict(attributes or {}),
    }
    return Call(method="PUT", path="/v1/items/{item_id}", ids=_ids(item_id), body=encoded(body))


def delete_item(item_id: Id) -> Call[None]:
    """Delete an item: `DELETE /v1/items/{item_id}`."""
    return Call(method="DELETE", path="/v1/items/{item_id}", ids=_ids(item_id))


def put_items(items: Iterable[Item | Mapping[str, Any]]) -> Call[None]:
    """Replace up to 10,000 items, all or none: `PUT /v1/items`; `load_items` takes any number.

    Parameters
    ----------
    items
        `Item`, or mappings with `item_id` and what else is known: `kind`, `title`, `text`, `categories`,
        `is_hidden`, `attributes`.
    """
    return put_encoded([encoded_item(item) for item in items])


def put_encoded(items: Iterable[bytes]) -> Call[None]:
    """Replace items that are JSON already."""
    return Call(method="PUT", path="/v1/items", body=b"[" + b",".join(items) + b"]")


def find_items(
    *,
    text: str | None = None,
    limit: int | None = None,
    after: str | None = None,
    with_text: bool | None = None,
) -> Call[ItemsAnswer]:
    """Look for items whose id begins with a text or whose title has it: `GET /v1/items`.

    Parameters
    ----------
    limit
        Items of a page, 1 to 1,000.
    after
        Only ids behind this one: `next_after` of the page before.
    with_text
        Whether items come with their long texts.
    """
    return question("/v1/items", ItemsAnswer, text=text, limit=limit, after=after, with_text=with_text)


def all_items(
    *, text: str | None = None, limit: int = 200, after: str | None = None, with_text: bool = True
) -> Call[ItemsAnswer]:
    """Ask for whole items page by page, as they may be put back: `GET /v1/items`.

    Parameters
    ----------
    text
        Only items whose id begins with it or whose title has it.
    limit
        Items of a page, 1 to 1,000.
    after
        Begin behind this id.
    with_text
        Whether items come with their long texts. Those that come without lose them where they are put back.
    """
    return find_items(text=text, limit=limit, after=after, with_text=with_text)


def item_users(item_id: Id, *, limit: int | None = None, after: str | None = None) -> Call[ChoosersAnswer]:
    """Ask who chose an item lately: `GET /v1/items/{item_id}/users`.

    Parameters
    ----------
    limit
        Users of a page, 1 to 100.
    after
        Only ids behind this one: `next_after` of the page before, which may hold nobody.
    """
    return question("/v1/items/{item_id}/users", ChoosersAnswer, ids=_ids(item_id), limit=limit, after=after)


def item_history(
    item_id: Id,
    *,
    minutes: int | None = None,
    resolution: BarLength | None = None,
    empty: EmptyBars | None = None,
) -> Call[HistoryAnswer]:
    """Ask what an item's value did lately: `GET /v1/items/{item_id}/history`.

    Parameters
    ----------
    minutes
        Counted back from the newest event of the stream.
    empty
        Whether a bar without an event is left out, or carries the last close on.
    """
    return question(
        "/v1/items/{item_id}/history",
        HistoryAnswer,
        ids=_ids(item_id),
        minutes=minutes,
        resolution=resolution,
        empty=empty,
    )


def item_exposures(item_id: Id) -> Call[ExposuresAnswer]:
    """Ask how often an item was shown and chosen within a day: `GET /v1/items/{item_id}/exposures`."""
    return question("/v1/items/{item_id}/exposures", ExposuresAnswer, ids=_ids(item_id))


def encoded_item(item: Item | Mapping[str, Any]) -> bytes:
    """Return an item as `PUT /v1/items` takes it; empty cells of a table count as not given.

    Raises
    ------
    Unsendable
        When it has no id, or can't be written as JSON.

    >>> encoded_item({"item_id": 7, "title": float("nan"), "attributes": {"year": 1995}})
    b'{"item_id":"7","attributes":{"year":1995}}'
    """
    fields = fields_of("item", item, "item_id")
    if isinstance(item, Item):
        fields.pop("updated_at")  # which the recommender sets
    return encoded(fields)


def _ids(item_id: Id) -> dict[str, str]:
    return {"item_id": id_text("item_id", item_id)}
