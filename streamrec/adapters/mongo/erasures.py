"""Erasures in MongoDB, as the trainer and the servers write and read them.

::

    erasures      {_id: {digest, log}, offsets: {partition: offset}, erased_at}
    installation  {_id: "erasure-salt", value}
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bson.binary import Binary
from pymongo import ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from streamrec.adapters.mongo.connection import MAJORITY, MAJORITY_READ, Document
from streamrec.domain.events.erasure import SALT_BYTES, Erasure
from streamrec.errors import Damaged
from streamrec.payload import decoded
from streamrec.ports import Mark
from streamrec.telemetry import Digest

ERASURES = "erasures"
INSTALLATION = "installation"
_SALT_FILTER: Document = {"_id": "erasure-salt"}

_DIGESTS_AT_ONCE = 1000
"""In one query: as many ranges of the index."""


def _new_salt() -> Document:
    """Return the change that makes a salt where there is none."""
    return {"$setOnInsert": {"value": Binary(os.urandom(SALT_BYTES))}}


async def salt_in(installation: AsyncCollection[Document]) -> bytes:
    """Return the installation's salt, making it if there is none, as a server does."""
    collection = installation.with_options(write_concern=MAJORITY)
    while True:
        try:
            found = await collection.find_one_and_update(
                _SALT_FILTER, _new_salt(), upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:  # another process was faster: it is there to be read now
            continue
        if found is not None:
            return bytes(found["value"])


def noted(digest: bytes, mark: Mark, erased_at: float) -> tuple[Document, Document]:
    """Return filter and change of the upsert that writes an erasure down; repeating it changes nothing."""
    latest: Document = {f"offsets.{partition}": offset for partition, offset in mark.offsets.items()}
    return {"_id": _key(digest, mark.log)}, {"$max": latest | {"erased_at": erased_at}}


def _key(digest: bytes, log: str) -> Document:
    return {"digest": Binary(digest), "log": log}


class MongoErasures:
    """The erasures of a database, for the trainer. Errors are the driver's; the store translates them."""

    def __init__(self, database: Database[Document]) -> None:
        # Whatever the URL says of other writes: an erasure that was answered must outlive an election.
        options: dict[str, Any] = {"write_concern": MAJORITY, "read_concern": MAJORITY_READ}
        self._erasures = database.get_collection(ERASURES, **options)
        self._damages = Digest("documents_passed_over")
        self._installation = database.get_collection(INSTALLATION, **options)

    def salt(self) -> bytes:
        """Return the installation's salt, making it if there is none."""
        found = self._installation.find_one(_SALT_FILTER)
        while found is None:
            try:
                found = self._installation.find_one_and_update(
                    _SALT_FILTER, _new_salt(), upsert=True, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:  # another process was faster
                found = self._installation.find_one(_SALT_FILTER)
        return bytes(found["value"])

    def read(self, digests: Sequence[bytes] | None) -> list[Erasure]:
        """Return the erasures of some users, or all; what is damaged is told of."""
        found: list[Erasure] = []
        for filter_ in _filters(digests):
            for document in self._erasures.find(filter_):
                try:
                    found.append(decoded(_erasure_of, document))
                except Damaged as error:
                    self._damages.note(1, f"erasure {document['_id']!r}: {error}")
        return found

    def limit(self, log: str, ends: Mapping[int, int]) -> None:
        """Move what stands behind a log's end to there."""
        for partition, end in ends.items():
            field = f"offsets.{partition}"
            self._erasures.update_many({"_id.log": log, field: {"$gt": end}}, {"$set": {field: end}})


def _filters(digests: Sequence[bytes] | None) -> Iterator[Document]:
    if digests is None:
        yield {}
        return
    for first in range(0, len(digests), _DIGESTS_AT_ONCE):
        some = digests[first : first + _DIGESTS_AT_ONCE]
        # A range of the one index for each: a digest is the key's first part.
        yield {"$or": [_all_of(digest) for digest in some]}


def _all_of(digest: bytes) -> Document:
    return {"_id": {"$gte": _key(digest, ""), "$lte": _key(digest, "\U0010ffff")}}


def _erasure_of(document: Document) -> Erasure:
    key = document["_id"]
    offsets = {int(partition): int(offset) for partition, offset in dict(document["offsets"]).items()}
    return Erasure(bytes(key["digest"]), str(key["log"]), offsets, float(document["erased_at"]))
