"""The document store in MongoDB, as the trainer uses it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from pymongo import MongoClient, ReadPreference
from pymongo.collection import Collection

from streamrec.adapters.mongo.connection import TRAINER_TIMEOUT_S, Document, MongoAddress, translated_errors
from streamrec.adapters.mongo.documents import DOCUMENTS_AT_ONCE, NOT_DELETED, chunks, item_of, versions_of
from streamrec.adapters.mongo.erasures import MongoErasures
from streamrec.adapters.mongo.experiments import KeptChallengerUsers, KeptExperiments
from streamrec.adapters.mongo.leases import MongoLeases
from streamrec.adapters.mongo.trained_users import TrainedUsers
from streamrec.domain.events.erasure import Erasure
from streamrec.domain.experiments.definition import Experiment
from streamrec.domain.generations.challenger import ChallengerUser
from streamrec.domain.items.item import Item, ItemVersions
from streamrec.domain.users.user import attributes_by_user
from streamrec.errors import Damaged
from streamrec.ports import Lease, UserUpdates
from streamrec.ports.experiments import StoredExperiments
from streamrec.telemetry import Digest


class MongoTrainerStore:
    """Implements `TrainerStore`. Safe to call from several threads."""

    def __init__(self, address: MongoAddress) -> None:
        self._address = address
        with translated_errors(address):
            self._client: MongoClient[Document] = MongoClient(
                address.url, connect=False, **address.options(TRAINER_TIMEOUT_S)
            )
            self._database = self._client[address.database]
        self._items: Collection[Document] = self._database["items"]
        self._leases = MongoLeases(self._database)
        self._erasures = MongoErasures(self._database)
        self._experiments = KeptExperiments(self._database, self._leases)
        self._users = TrainedUsers(self._database, self._leases, self._erasures)
        self._challenger_users = KeptChallengerUsers(self._database, self._leases)
        self._damages = Digest("documents_passed_over")

    def publish_users(self, updates: UserUpdates, lease: Lease) -> None:
        """Upsert states, take out of the seen sets and add to them.

        Raises
        ------
        LeaseLost
            When a larger token has been given out; nothing newer is overwritten then, and nobody who was
            erased meanwhile is brought back.
        """
        with translated_errors(self._address):
            self._users.publish(updates, lease)

    def forget_users(self, user_ids: Sequence[str], lease: Lease) -> None:
        """Delete states and seen sets; a user of whom only attributes are known stays.

        Raises
        ------
        LeaseLost
            When a larger token has been given out; nothing newer is deleted then.
        """
        with translated_errors(self._address):
            self._users.forget(user_ids, lease)

    def publish_challenger(self, users: Sequence[ChallengerUser], gone: Sequence[str], lease: Lease) -> None:
        """Delete the challenger's vectors of users who are gone, then replace those of others.

        Raises
        ------
        LeaseLost
            When a larger token has been given out; nothing newer is overwritten, and nothing left, then.
        """
        with translated_errors(self._address):
            self._challenger_users.replace(users, gone, lease)

    def erasure_salt(self) -> bytes:
        """Return what digests of user ids are made with."""
        with translated_errors(self._address):
            return self._erasures.salt()

    def read_erasures(self, digests: Sequence[bytes] | None = None) -> list[Erasure]:
        """Return the erasures of these users, or all."""
        with translated_errors(self._address):
            return self._erasures.read(digests)

    def limit_erasures(self, log: str, ends: Mapping[int, int]) -> None:
        """Let no erasure stand behind the end of a log that was cut."""
        with translated_errors(self._address):
            self._erasures.limit(log, ends)

    def read_attributes(self, user_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the attributes of users; those without any are left out, and what is damaged is told of."""
        primary = self._database["users"].with_options(read_preference=ReadPreference.PRIMARY)
        wanted = {"_id": {"$in": list(user_ids)}, "attributes": {"$exists": True}}
        with translated_errors(self._address):
            found = list(primary.find(wanted, ["attributes"], batch_size=len(user_ids) + 1))
        try:
            return attributes_by_user((document["_id"], document["attributes"]) for document in found)
        except Damaged as error:
            self._damages.note(1, str(error))
            return cast("dict[str, dict[str, Any]]", error.rest)

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
        for chunk in chunks(item_ids):
            found = {item.item_id: item for item in self._readable(self._find_items({"_id": {"$in": chunk}}))}
            yield [found[item_id] for item_id in chunk if item_id in found]

    def _find_items(self, condition: dict[str, Any]) -> list[Document]:
        with translated_errors(self._address):
            found = self._items.find(condition | NOT_DELETED, sort=[("_id", 1)], limit=DOCUMENTS_AT_ONCE)
            return list(found.batch_size(DOCUMENTS_AT_ONCE + 1))

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
        with translated_errors(self._address):
            found = list(primary.find({"_id": {"$in": list(item_ids)}}, batch_size=len(item_ids) + 1))
        try:
            return versions_of(found)
        except Damaged as error:
            self._damages.note(1, str(error))
            return cast("ItemVersions", error.rest)

    def read_experiments(self) -> StoredExperiments:
        """Return all definitions of experiments."""
        with translated_errors(self._address):
            return self._experiments.read()

    def replace_experiment(self, experiment: Experiment, after: int) -> bool:
        """Store a definition if the version that is stored is `after`; return whether it was."""
        with translated_errors(self._address):
            return self._experiments.replace(experiment, after)

    def write_results(self, experiment_id: str, results: bytes, lease: Lease) -> bool:
        """Replace the results of an experiment; return whether it is still there.

        Raises
        ------
        LeaseLost
            When a larger token has been given out, or has written.
        """
        with translated_errors(self._address):
            return self._experiments.write_results(experiment_id, results, lease)

    def acquire(self, name: str, owner: str, duration_s: float, now: float) -> Lease | None:
        """Take or renew the lease; None while somebody else holds it."""
        with translated_errors(self._address):
            return self._leases.acquire(name, owner, duration_s, now)

    def held(self, name: str) -> Lease | None:
        """Return the lease as it was last given out; None when nobody has it, or it can't be read."""
        with translated_errors(self._address):
            return self._leases.held(name)

    def release(self, lease: Lease) -> None:
        """Give it up; without effect when it is no longer ours."""
        with translated_errors(self._address):
            self._leases.release(lease)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _flat(first: Iterable[Item], rest: Iterable[Iterable[Item]]) -> Iterator[Item]:
    yield from first
    for page in rest:
        yield from page
