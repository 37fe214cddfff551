"""Documents in MongoDB's collections, and their readers.

::

    users   {_id: user_id, generation, vector: binary float32, aging: binary float16, recent, recent_at,
             disliked, n_events, updated_at, profile, less: JSON text, tokens: {lease's name: largest
             fencing token that wrote it}, writers: {the same: the last one}, attributes: JSON text}
    seen    {_id: {user_id, at, item_id}}
    items   {_id: item_id, kind, title, text, categories, is_hidden, attributes: JSON text, updated_at,
             version, deleted_at: when it was deleted; such a document goes after `DELETED_KEPT_S`}
    leases  {_id: name, owner, token, expires_at}

Of a user, `attributes` are the services', the rest is the trainer's; each leaves the other's alone.
Attributes are text: their keys may hold what a field's name may not, and their numbers be larger than a
field's.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

import msgspec
from bson.int64 import Int64
from bson.max_key import MaxKey
from pymongo import DeleteOne, UpdateOne

from streamrec.adapters.mongo.connection import Document
from streamrec.domain.items.item import Item, ItemVersions, versioned
from streamrec.domain.users.less import Less
from streamrec.domain.users.user import NO_PROFILE, Profile, UserDocument, UserState, document_of, state_of
from streamrec.payload import decoded
from streamrec.ports import Lease

FENCE: Document = {"$expr": {"$eq": ["$tokens", "$writers"]}}
"""Validates every document of a user: the last writer's token is the largest.

A filter on the token would do the same, but takes MongoDB off its short way to a document by its `_id`, and
doubles what an update costs it; this adds a sixth.
"""

DELETED_KEPT_S = 30 * 86_400
"""Longer than any copy of a deleted item lives; after it, the clock alone makes the next version larger."""

NOT_DELETED: Document = {"deleted_at": None}
"""Finds items that are there."""

DOCUMENTS_AT_ONCE = 2000
"""Documents in one command: some 5 MB, and a tenth of a second."""

STATE_FIELDS = tuple(name for name in UserState.__struct_fields__ if name != "user_id")

_ITEM_FIELDS = ("kind", "title", "text", "categories", "is_hidden", "updated_at")

_NEWEST = MaxKey()

_encode = msgspec.json.Encoder().encode
_decode_attributes = msgspec.json.Decoder(dict[str, Any]).decode
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_less = msgspec.json.Decoder(tuple[Less, ...]).decode

T = TypeVar("T")


def chunks(things: Iterable[T], n_at_once: int = DOCUMENTS_AT_ONCE) -> Iterator[list[T]]:
    """Yield as many as fit into one command, and so on."""
    iterator = iter(things)
    while chunk := list(islice(iterator, n_at_once)):
        yield chunk


def json_text(value: object) -> str:
    """Write attributes, or a profile, as JSON."""
    return _encode(value).decode()


def fenced(user_id: str, lease: Lease) -> Document:
    """Return a filter that finds the user's document unless a later holder of the lease wrote it."""
    return {"_id": user_id, f"tokens.{lease.name}": {"$not": {"$gt": lease.token}}}


def state_removals(found: Document, token: Document | None = None) -> list[DeleteOne | UpdateOne]:
    """Return the changes that remove a user's state; attributes stay, if there are any.

    Parameters
    ----------
    found
        Filter that finds the user's document.
    token
        What else is written where attributes stay.
    """
    unset: Document = {"$unset": dict.fromkeys(STATE_FIELDS, "")}
    return [DeleteOne(found | {"attributes": {"$exists": False}}), UpdateOne(found, unset | (token or {}))]


def token_update(lease: Lease) -> Document:
    """Return the update that leaves a writer's token; after a later holder's it fails by `FENCE`."""
    return {
        "$set": {f"writers.{lease.name}": lease.token},
        "$max": {f"tokens.{lease.name}": lease.token},
    }


def state_upsert(state: UserState, lease: Lease) -> UpdateOne:
    """Return the upsert of a state; after a later holder's it fails by `FENCE`."""
    fields = {
        "generation": state.generation,
        "vector": state.vector,
        "recent": state.recent,
        "disliked": state.disliked,
        "n_events": state.n_events,
        "updated_at": state.updated_at,
        "profile": json_text(state.profile),
        "recent_at": state.recent_at,
        "aging": state.aging,
        "less": json_text(state.less) if state.less else None,
    }
    update = token_update(lease)
    update["$set"] |= fields
    return UpdateOne({"_id": state.user_id}, update, upsert=True)


def user_of(document: Document) -> UserDocument:
    """Read a document of a user.

    Raises
    ------
    Damaged
        When it can't be read; its `rest` is a document of what can.
    """
    attributes = document.get("attributes")
    return document_of(
        document["_id"],
        lambda: _state_of(document),
        lambda: decoded(_decode_attributes, attributes) if attributes else {},
    )


def _state_of(document: Document) -> UserState | None:
    if document.get("generation") is None:
        return None
    profile, less = document.get("profile"), document.get("less")
    fields = {name: document[name] for name in STATE_FIELDS if name in document}
    fields["user_id"] = document["_id"]
    fields["profile"] = decoded(_decode_profile, profile) if profile else NO_PROFILE
    fields["less"] = decoded(_decode_less, less) if less else ()
    return state_of(fields)


def seen_key(user_id: str, item_id: str, at: float) -> Document:
    """Return the key of a sight.

    The moment is part of it, so the one index that a collection must have serves both ways: a sight that is
    published twice stands there once, and a user's newest are next to one another.
    """
    return {"user_id": user_id, "at": at, "item_id": item_id}


def all_seen_of(user_id: str) -> Document:
    """Return a filter on `_id` that finds all sights of a user."""
    return {"_id": {"$gte": {"user_id": user_id}, "$lt": {"user_id": user_id, "at": _NEWEST}}}


def sights_of_pair(user_id: str, item_id: str) -> Document:
    """Return a filter that finds all sights that a user had of an item."""
    return all_seen_of(user_id) | {"_id.item_id": item_id}


def newest_sights(user_id: str, limit: int, offset: int = 0) -> list[Document]:
    """Return a pipeline over sights that yields one document, of the newest items; none for nothing seen.

    The index holds all that it looks at. One document of many ids takes MongoDB somewhat longer to make than
    many documents, and us a fifth of the time to read.
    """
    page: list[Document] = [{"$skip": offset}] if offset else []
    return [
        {"$match": all_seen_of(user_id)},
        {"$sort": {"_id": -1}},
        *page,
        {"$limit": limit},
        {"$project": {"_id": 1}},
        {"$group": {"_id": None, "item_ids": {"$push": "$_id.item_id"}}},
    ]


def ids_of(sights: Document) -> list[str]:
    """Return the ids in the document that `newest_sights` yields.

    Raises
    ------
    Damaged
        When one of them is none.
    """
    return decoded(_as_ids, sights["item_ids"])


def _as_ids(written: object) -> list[str]:
    return msgspec.convert(written, list[str])


def item_replacement(item: Item, now: float, *, is_deleted: bool = False) -> list[Document]:
    """Return the pipeline of an upsert that replaces a whole item, by its next version."""
    fields: Document = {
        "kind": item.kind,
        "title": item.title,
        "text": item.text,
        "categories": item.categories,
        "is_hidden": item.is_hidden,
        "attributes": json_text(item.attributes),
        "updated_at": item.updated_at,
    }
    if is_deleted:
        fields["deleted_at"] = datetime.fromtimestamp(now, UTC)
    next_version = {"$max": [{"$add": [{"$ifNull": ["$version", 0]}, 1]}, Int64(now * 1000)]}
    kept = {"_id": {"$literal": item.item_id}, "version": next_version}
    return [{"$replaceWith": {"$mergeObjects": [{"$literal": fields}, kept]}}]


def item_upsert(item: Item, now: float) -> UpdateOne:
    """Return the upsert of a whole item."""
    return UpdateOne({"_id": item.item_id}, item_replacement(item, now), upsert=True)


def versions_of(documents: Iterable[Document]) -> ItemVersions:
    """Read items and their versions.

    Raises
    ------
    Damaged
        When some are none; its `rest` holds the others.
    """
    found = [(document["_id"], document) for document in documents]
    return versioned(item_of, found, {id_: document.get("version", 0) for id_, document in found})


def item_of(document: Document) -> Item:
    """Read a document of an item.

    Raises
    ------
    Damaged
        When it is none.
    """
    return decoded(_as_item, document)


def _as_item(document: Document) -> Item:
    fields = {name: document[name] for name in _ITEM_FIELDS}
    fields["attributes"] = _decode_attributes(document["attributes"])
    return msgspec.convert(fields | {"item_id": document["_id"]}, Item)
