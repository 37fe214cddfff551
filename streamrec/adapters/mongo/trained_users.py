"""Users in MongoDB as the trainer writes them: states and seen sets, fenced, without a transaction."""

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pymongo import DeleteOne, ReplaceOne, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure

from streamrec.adapters.mongo.connection import (
    COLLECTION_EXISTS,
    DUPLICATE_KEY,
    VALIDATION_FAILED,
    Document,
    codes_of,
)
from streamrec.adapters.mongo.documents import (
    DOCUMENTS_AT_ONCE,
    FENCE,
    all_seen_of,
    chunks,
    fenced,
    seen_key,
    sights_of_pair,
    state_removals,
    state_upsert,
    token_update,
)
from streamrec.adapters.mongo.erasures import MongoErasures
from streamrec.adapters.mongo.leases import MongoLeases
from streamrec.domain.events.erasure import digest_of
from streamrec.errors import LeaseLost
from streamrec.ports import Lease, UserUpdates

_USERS_AT_ONCE = 100
"""Users whose sights are looked for together: one by one, 10,000 users are forgotten in 44 s instead of 5."""


class _Created(NamedTuple):
    """Documents that a publication may have to remove again: ids of users, and keys of sights."""

    user_ids: list[str]
    sights: list[Document]


class TrainedUsers:
    """The trainer's part of the users. Errors are the driver's, but `LeaseLost`.

    A writer may stand still for longer than its lease lasts, between any two commands. What it does then
    undoes nothing newer:

    1. A look at the lease before each publication stops all but the command that follows it.
    2. That command fails where a user's document holds a newer token.
    3. A document that was deleted meanwhile holds none: after a publication the lease is looked at once more,
       and if it is lost, what this one created or wrote of users who were erased since it began is removed
       again. A process that is killed before that look leaves it.
    4. Sights hold no token. They are deleted by keys that were read while the lease was still ours.
    """

    def __init__(self, database: Database[Document], leases: MongoLeases, erasures: MongoErasures) -> None:
        self._database = database
        self._users: Collection[Document] = database["users"]
        self._seen: Collection[Document] = database["seen"]
        self._leases = leases
        self._erasures = erasures
        self._is_fenced = False
        self._expects_known_sights = False

    def publish(self, updates: UserUpdates, lease: Lease) -> None:
        """Upsert states and change the seen sets: the states first, which a newer trainer's would refuse."""
        created, began_at = _Created([], []), time.time()
        self._raise_fence()
        self._leases.check(lease)
        try:
            # A bulk is not ordered, so of a user only the last state may be in it.
            for states in chunks({state.user_id: state for state in updates.states}.values()):
                self._upsert([state_upsert(state, lease) for state in states], lease, created)
            for pairs in chunks(updates.unseen, _USERS_AT_ONCE):
                self._delete_sights([sights_of_pair(*pair) for pair in pairs], lease)
            sights = {(user_id, at, item_id): None for user_id, item_id, at in updates.seen}
            for chunk in chunks(sights):
                created.sights.extend(
                    self._add_sights([seen_key(user_id, item_id, at) for user_id, at, item_id in chunk])
                )
            self._leases.check(lease)
        except LeaseLost:
            created.user_ids.extend(self._erased_since(began_at, [state.user_id for state in updates.states]))
            self._take_back(created, lease)
            raise

    def forget(self, user_ids: Sequence[str], lease: Lease) -> None:
        """Delete states and seen sets; a user of whom only attributes are known stays."""
        self._leases.check(lease)
        for chunk in chunks(user_ids):
            token = token_update(
                lease
            )  # an earlier holder must not write the state back beside the attributes
            removals = [removal for id_ in chunk for removal in state_removals(fenced(id_, lease), token)]
            self._remove(removals, lease)
            for some in chunks(chunk, _USERS_AT_ONCE):
                self._delete_sights([all_seen_of(user_id) for user_id in some], lease)

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

    def _upsert(self, upserts: Sequence[UpdateOne], lease: Lease, created: _Created) -> None:
        try:
            found = self._users.bulk_write(upserts, ordered=False)
        except BulkWriteError as error:
            created.user_ids.extend(entry["_id"] for entry in error.details["upserted"])
            raise _as_lost(error, lease) from error
        created.user_ids.extend((found.upserted_ids or {}).values())

    def _remove(self, removals: Sequence[DeleteOne | UpdateOne], lease: Lease) -> None:
        try:
            self._users.bulk_write(removals, ordered=False)
        except BulkWriteError as error:
            raise _as_lost(error, lease) from error

    def _add_sights(self, keys: Sequence[Document]) -> list[Document]:
        """Insert what is new, and return it.

        A plain insert costs a third of an upsert, but ten times as much where the document is there already:
        after a restart that replays, upserts are used until most sights are new again.
        """
        if self._expects_known_sights:
            replacements = [ReplaceOne[Document]({"_id": key}, {}, upsert=True) for key in keys]
            indexes: Iterable[int] = self._seen.bulk_write(replacements, ordered=False).upserted_ids or {}
        else:
            try:
                self._seen.insert_many(({"_id": key} for key in keys), ordered=False)
                indexes = range(len(keys))
            except BulkWriteError as error:
                if not _is_of_duplicates(error):
                    raise
                known = {entry["index"] for entry in error.details["writeErrors"]}
                indexes = [index for index in range(len(keys)) if index not in known]
        new = [keys[index] for index in indexes]
        self._expects_known_sights = len(new) < len(keys) / 2
        return new

    def _delete_sights(self, filters: Sequence[Document], lease: Lease) -> None:
        of_these: Document = {"$or": filters}
        while True:
            found = self._seen.find(of_these, limit=DOCUMENTS_AT_ONCE, batch_size=DOCUMENTS_AT_ONCE + 1)
            keys = [sight["_id"] for sight in found]
            if not keys:
                return
            # Only now: what was read is not newer than a lease that is still ours.
            self._leases.check(lease)
            self._seen.delete_many({"_id": {"$in": keys}})

    def _erased_since(self, began_at: float, user_ids: Sequence[str]) -> list[str]:
        """Return users who were erased; one who was given attributes anew has a document, but no token."""
        salt = self._erasures.salt()
        by_digest = {digest_of(user_id, salt): user_id for user_id in user_ids}
        erasures = self._erasures.read(list(by_digest))
        return [by_digest[erasure.digest] for erasure in erasures if erasure.erased_at >= began_at]

    def _take_back(self, created: _Created, lease: Lease) -> None:
        """Remove what was written too late, unless somebody else has written it since."""
        for user_ids in chunks(created.user_ids):
            ours_alone = {"tokens": {lease.name: lease.token}}
            removals = [one for id_ in user_ids for one in state_removals({"_id": id_} | ours_alone)]
            self._users.bulk_write(removals, ordered=False)
        for sights in chunks(created.sights):
            named = {"_id": {"$in": list({sight["user_id"] for sight in sights})}}
            known = {user["_id"] for user in self._users.find(named | _HAS_STATE, {"_id": 1})}
            left = [sight for sight in sights if sight["user_id"] not in known]
            self._seen.delete_many({"_id": {"$in": left}})


_HAS_STATE: Document = {"generation": {"$exists": True}}


def _as_lost(error: BulkWriteError, lease: Lease) -> Exception:
    if VALIDATION_FAILED not in codes_of(error):
        return error
    return LeaseLost(f"users carry a newer token of the lease {lease.name!r} than ours, {lease.token}")


def _is_of_duplicates(error: BulkWriteError) -> bool:
    return codes_of(error) == {DUPLICATE_KEY} and not error.details["writeConcernErrors"]
