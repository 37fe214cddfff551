"""The document store in MongoDB, as the trainer uses it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar, cast

from pymongo import DeleteMany, DeleteOne, MongoClient, ReadPreference, ReplaceOne, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, OperationFailure

from streamrec.adapters.mongo.connection import (
    COLLECTION_EXISTS,
    DUPLICATE_KEY,
    TRAINER_TIMEOUT_S,
    VALIDATION_FAILED,
    Document,
    MongoPlace,
    codes_of,
    in_our_words,
)
from streamrec.adapters.mongo.documents import (
    FENCE,
    NOT_DELETED,
    STATE_FIELDS,
    all_seen_of,
    fenced,
    item_of,
    seen_key,
    state_upsert,
    versions_of,
)
from streamrec.adapters.mongo.erasures import MongoErasures
from streamrec.adapters.mongo.leases import MongoLeases
from streamrec.domain.events.erasure import Erasure
from streamrec.domain.items.item import Item, ItemVersions
from streamrec.errors import Damaged, LeaseLost
from streamrec.ports import Lease, UserUpdates
from streamrec.telemetry import Digest

_AT_ONCE = 2000
"""Documents in one command: some 5 MB, and a tenth of a second."""

T = TypeVar("T")


class MongoTrainerStore:
    """Implements `TrainerStore`. Safe to call from several threads.

    There is no transaction. A writer that lost its lease is stopped twice: by a look at the lease before each
    publication, and, when it had passed that a moment too early, by the newer token in every user's document.
    """

    def __init__(self, place: MongoPlace) -> None:
        self._place = place
        with in_our_words(place):
            self._client: MongoClient[Document] = MongoClient(
                place.url, connect=False, **place.options(TRAINER_TIMEOUT_S)
            )
            self._database = self._client[place.database]
        self._users: Collection[Document] = self._database["users"]
        self._seen: Collection[Document] = self._database["seen"]
        self._items: Collection[Document] = self._database["items"]
        self._leases = MongoLeases(self._database)
        self._erasures = MongoErasures(self._database)
        self._damages = Digest("documents_passed_over")
        self._is_fenced = False
        self._expects_known_sights = False

    def publish_users(self, updates: UserUpdates, lease: Lease) -> None:
        """Upsert states and add to the seen sets: the states first, which a newer trainer's would refuse.

        Raises
        ------
        LeaseLost
            When a larger token has been given out; nothing newer is overwritten then.
        """
        with in_our_words(self._place):
            self._raise_fence()
            self._leases.check(lease)
            # A bulk is not ordered, so of a user only the last state may be in it.
            for states in _chunks({state.user_id: state for state in updates.states}.values()):
                self._upsert([state_upsert(state, lease) for state in states], lease)
            sights = {(user_id, at, item_id): None for user_id, item_id, at in updates.seen}
            for chunk in _chunks(sights):
                self._add_sights([seen_key(user_id, item_id, at) for user_id, at, item_id in chunk])

    def _raise_fence(self) -> None:
        """See to it that the users' documents are validated; without that, no token stops anybody."""
        if self._is_fenced:
            return
        try:
            self._database.command("create", "users", validator=FENCE)
        except OperationFailure as error:
            if error.code != COLLECTION_EXISTS:
                raise
            if self._users.options().get("validator") != FENCE:
                self._database.command("collMod", "users", validator=FENCE)
        self._is_fenced = True

    def _upsert(self, upserts: Sequence[UpdateOne], lease: Lease) -> None:
        try:
            self._users.bulk_write(upserts, ordered=False)
        except BulkWriteError as error:
            if VALIDATION_FAILED in codes_of(error):
                raise LeaseLost(
                    f"users carry a newer token of the lease {lease.name!r} than ours, {lease.token}"
                ) from error
            raise

    def _add_sights(self, keys: Sequence[Document]) -> None:
        """Insert what is new.

        A plain insert costs a third of an upsert, but ten times as much where the document is there already:
        after a restart that replays, upserts are used until most sights are new again.
        """
        if self._expects_known_sights:
            replacements = [ReplaceOne[Document]({"_id": key}, {}, upsert=True) for key in keys]
            n_new = self._seen.bulk_write(replacements, ordered=False).upserted_count
        else:
            try:
                self._seen.insert_many(({"_id": key} for key in keys), ordered=False)
                n_new = len(keys)
            except BulkWriteError as error:
                if not _is_of_duplicates(error):
                    raise
                n_new = len(keys) - len(error.details["writeErrors"])
        self._expects_known_sights = n_new < len(keys) / 2

    def forget_users(self, user_ids: Sequence[str], lease: Lease) -> None:
        """Delete states and seen sets; a user of whom only attributes are known stays.

        Raises
        ------
        LeaseLost
            When a larger token has been given out; nothing is deleted then.
        """
        unset = {"$unset": dict.fromkeys(STATE_FIELDS, "")}
        with in_our_words(self._place):
            self._leases.check(lease)
            for chunk in _chunks(user_ids):
                changes: list[DeleteOne | UpdateOne] = []
                for user_id in chunk:
                    ours = fenced(user_id, lease)
                    changes.append(DeleteOne(ours | {"attributes": {"$exists": False}}))
                    changes.append(UpdateOne(ours, unset))
                self._users.bulk_write(changes, ordered=False)
                self._seen.bulk_write([DeleteMany(all_seen_of(user_id)) for user_id in chunk], ordered=False)

    def erasure_salt(self) -> bytes:
        """Return what digests of user ids are made with."""
        with in_our_words(self._place):
            return self._erasures.salt()

    def read_erasures(self, digests: Sequence[bytes] | None = None) -> list[Erasure]:
        """Return the erasures of these users, or all."""
        with in_our_words(self._place):
            return self._erasures.read(digests)

    def limit_erasures(self, log: str, ends: Mapping[int, int]) -> None:
        """Let no erasure stand behind the end of a log that was cut."""
        with in_our_words(self._place):
            self._erasures.limit(log, ends)

    def read_items(self, item_ids: Sequence[str] | None = None) -> Iterator[Item]:
        """Yield metadata of these items, or of all in the order of their ids; what is damaged is told of.

        The first of them are read at once, so that a store that is away says so here.
        """
        pages = self._pages() if item_ids is None else self._named(item_ids)
        return _flat(next(pages, []), pages)

    def _pages(self) -> Iterator[list[Item]]:
        # Each page by a query of its own: no cursor runs out while the caller works on one.
        last = ""
        while page := self._find_items({"_id": {"$gt": last}}):  # texts alone: of other types no id is
            yield self._readable(page)
            last = page[-1]["_id"]

    def _named(self, item_ids: Sequence[str]) -> Iterator[list[Item]]:
        for chunk in _chunks(item_ids):
            found = {item.item_id: item for item in self._readable(self._find_items({"_id": {"$in": chunk}}))}
            yield [found[item_id] for item_id in chunk if item_id in found]

    def _find_items(self, condition: dict[str, Any]) -> list[Document]:
        with in_our_words(self._place):
            return list(
                self._items.find(
                    condition | NOT_DELETED, sort=[("_id", 1)], limit=_AT_ONCE, batch_size=_AT_ONCE + 1
                )
            )

    def _readable(self, documents: Iterable[Document]) -> list[Item]:
        items: list[Item] = []
        for document in documents:
            try:
                items.append(item_of(document))
            except Damaged as error:
                self._damages.note(1, f"item {document['_id']!r}: {error}")
        return items

    def read_versions(self, item_ids: Sequence[str]) -> ItemVersions:
        """Return these as they are now, deleted ones included."""
        primary = self._items.with_options(read_preference=ReadPreference.PRIMARY)
        with in_our_words(self._place):
            found = list(primary.find({"_id": {"$in": list(item_ids)}}, batch_size=len(item_ids) + 1))
        try:
            return versions_of(found)
        except Damaged as error:
            self._damages.note(1, str(error))
            return cast("ItemVersions", error.rest)

    def acquire(self, name: str, owner: str, duration_s: float, now: float) -> Lease | None:
        """Take or renew the lease; None while somebody else holds it."""
        with in_our_words(self._place):
            return self._leases.acquire(name, owner, duration_s, now)

    def release(self, lease: Lease) -> None:
        """Give it up; without effect when it is no longer ours."""
        with in_our_words(self._place):
            self._leases.release(lease)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _chunks(things: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(things)
    while chunk := list(islice(iterator, _AT_ONCE)):
        yield chunk


def _flat(first: Iterable[Item], rest: Iterable[Iterable[Item]]) -> Iterator[Item]:
    yield from first
    for page in rest:
        yield from page


def _is_of_duplicates(error: BulkWriteError) -> bool:
    return codes_of(error) == {DUPLICATE_KEY} and not error.details["writeConcernErrors"]
