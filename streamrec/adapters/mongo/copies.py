"""Backups of a MongoDB database through the driver: a file of BSON for each collection."""

from pathlib import Path
from typing import Any

import bson
import msgspec
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from streamrec.adapters.mongo.connection import (
    MAJORITY,
    TRAINER_TIMEOUT_S,
    Document,
    MongoAddress,
    address_of,
    translated_errors,
)
from streamrec.adapters.mongo.documents import DOCUMENTS_AT_ONCE, chunks
from streamrec.adapters.mongo.erasures import ERASURES
from streamrec.durable_files import replace_bytes, written
from streamrec.errors import Conflict
from streamrec.frames import frames_in, write_frame
from streamrec.ports.copies import Counts
from streamrec.redaction import shown_url
from streamrec.traces import Trace

_ABOUT = "about.json"


class _Collection(msgspec.Struct, frozen=True):
    """Properties of a collection beside its documents: its validator, and the keys of its indexes."""

    name: str
    options: dict[str, Any]
    indexes: list[tuple[str, dict[str, Any]]]


_decode = msgspec.json.Decoder(list[_Collection]).decode


class MongoCopies:
    """Implements `Copies`. Documents are read one after the other: each as of its own moment."""

    def __init__(self, address: MongoAddress) -> None:
        self._address = address
        with translated_errors(address):
            options = address.options(TRAINER_TIMEOUT_S)
            self._client: MongoClient[Document] = MongoClient(address.url, connect=False, **options)
            self._database = self._client[address.database]

    def copy_to(self, folder: Path) -> Counts:
        """Write each collection's documents as they stand in MongoDB."""
        counts: dict[str, int] = {}
        with translated_errors(self._address):
            found = sorted(self._database.list_collections(), key=lambda one: str(one["name"]))
            about = [
                _Collection(one["name"], dict(one["options"]), self._indexes_of(one["name"]))
                for one in found
                if not one["name"].startswith("system.")
            ]
            for number, collection in enumerate(about):
                codec: Any = bson.CodecOptions(document_class=RawBSONDocument)
                raw: Any = self._database.get_collection(collection.name, codec)
                n_documents = 0
                with written(folder / f"{number}.bson") as file:
                    for document in raw.find({}, sort=[("_id", 1)]):
                        write_frame(file, document.raw)
                        n_documents += 1
                counts[collection.name] = n_documents
        replace_bytes(folder / _ABOUT, msgspec.json.encode(about))
        return counts

    def _indexes_of(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (index["name"], {key: value for key, value in index.items() if key not in ("v", "name", "ns")})
            for index in self._database[name].list_indexes()
            if index["name"] != "_id_"
        ]

    def check_free(self, *, overwrite: bool) -> None:
        """Look whether the database has a collection."""
        with translated_errors(self._address):
            names = self._database.list_collection_names()
        if names and not overwrite:
            raise Conflict(f"{shown_url(self._address.url)} has collections already")

    def restore_from(self, folder: Path) -> Counts:
        """Replace the whole database."""
        counts: dict[str, int] = {}
        about = _decode((folder / _ABOUT).read_bytes())
        with translated_errors(self._address):
            self._client.drop_database(self._database)
            for number, collection in enumerate(about):
                self._database.create_collection(collection.name, **collection.options)
                target = self._database.get_collection(collection.name, write_concern=MAJORITY)
                for some in chunks(frames_in(folder / f"{number}.bson"), DOCUMENTS_AT_ONCE):
                    target.insert_many([RawBSONDocument(one) for one in some], ordered=False)
                for name, index in collection.indexes:
                    keys = index.pop("key")
                    target.create_index(list(keys.items()), name=name, **index)
                counts[collection.name] = target.count_documents({})
        return counts

    def rename_log(self, before: str, after: str) -> None:
        """Let erasures noted of one log be those of another."""
        with translated_errors(self._address):
            erasures = self._database.get_collection(ERASURES, write_concern=MAJORITY)
            for one in list(erasures.find({"_id.log": before})):
                key = {"digest": one["_id"]["digest"], "log": after}
                erasures.replace_one({"_id": key}, one | {"_id": key}, upsert=True)
                erasures.delete_one({"_id": one["_id"]})

    def traces_of(self, trace: Trace) -> Counts:
        """Return the documents that name a user, by collection."""
        codec: Any = bson.CodecOptions(document_class=RawBSONDocument)
        counts: dict[str, int] = {}
        with translated_errors(self._address):
            for name in sorted(self._database.list_collection_names()):
                raw: Any = self._database.get_collection(name, codec)
                counts[name] = sum(_names(document, trace) for document in raw.find({}))
        return counts

    def scrub(self) -> bool:
        """Return False: what MongoDB's own files hold of deleted documents is its storage engine's affair."""
        return False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _names(document: Any, trace: Trace) -> bool:  # noqa: ANN401  # of BSON's types
    if not trace.is_of_item:
        return document["_id"] == trace.user_id or any(token in document.raw for token in trace.tokens)
    key = document["_id"]
    is_of_user = key == trace.user_id and "n_events" in document
    return is_of_user or trace.user_id in (_user_in(key), _user_in(document))


def _user_in(fields: Any) -> object:  # noqa: ANN401  # of BSON's types
    return fields.get("user_id") if hasattr(fields, "get") else None


def open_copies(url: str) -> MongoCopies:
    """Open a database by its URL."""
    return MongoCopies(address_of(url))
