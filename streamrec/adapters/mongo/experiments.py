"""Experiments in MongoDB: a document each, with definition and results as JSON texts.

Beside them the challenger's vectors of users, for variants that it answers: ``{_id: user_id, generation,
vector, aging, token}``.
"""

from collections.abc import Sequence
from typing import Any

from pymongo import ReadPreference, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError

from streamrec.adapters.mongo.catalog import MongoCatalog, request
from streamrec.adapters.mongo.connection import (
    DUPLICATE_KEY,
    MAJORITY,
    MAJORITY_READ,
    Document,
    codes_of,
    translated_errors,
)
from streamrec.adapters.mongo.documents import chunks
from streamrec.adapters.mongo.finishing import finishing
from streamrec.adapters.mongo.leases import MongoLeases
from streamrec.domain.experiments.definition import Experiment, encode_experiment
from streamrec.domain.generations.challenger import ChallengerUser, user_in
from streamrec.errors import LeaseLost
from streamrec.ports import Lease
from streamrec.ports.experiments import StoredExperiments, read_stored

EXPERIMENTS = "experiments"

CHALLENGER_USERS = "challenger_users"

# Whatever the URL says of other reads and writes: a stop that was answered must outlive an election, and a
# server that reads again sees it.
_SURE: dict[str, Any] = {
    "write_concern": MAJORITY,
    "read_concern": MAJORITY_READ,
    "read_preference": ReadPreference.PRIMARY,
}

_DEFINITION = ["version", "definition"]


@finishing
class MongoChallengerUsers(MongoCatalog):
    """Reader of the vectors, for a server."""

    async def get_challenger_user(self, user_id: str) -> ChallengerUser | None:
        """Return the challenger's vector of a user as last published; None where there is none."""
        with translated_errors(self._address):
            found = await self._collection(CHALLENGER_USERS).find_one({"_id": user_id}, comment=request())
        if found is None:
            return None
        names = ("generation", "vector", "aging")
        return user_in({"user_id": user_id} | {name: found[name] for name in names if name in found})


@finishing
class MongoExperiments(MongoCatalog):
    """Implements `ExperimentCatalog`."""

    async def get_experiments(self) -> StoredExperiments:
        """Return all definitions."""
        with translated_errors(self._address):
            found = self._experiments().find({}, _DEFINITION, comment=request())
            return _experiments_in(await found.to_list())

    async def put_experiment(self, experiment: Experiment, after: int) -> bool:
        """Store a definition if the version that is stored is `after`; return whether it was."""
        with translated_errors(self._address):
            if not after:
                try:
                    await self._experiments().insert_one(_first(experiment), comment=request())
                except DuplicateKeyError:
                    return False
                return True
            filter_, change = _replacement(experiment, after)
            return (
                await self._experiments().update_one(filter_, change, comment=request())
            ).matched_count > 0

    async def delete_experiment(self, experiment_id: str) -> bool:
        """Delete definition and results; return whether it was there."""
        with translated_errors(self._address):
            deleted = await self._experiments().delete_one({"_id": experiment_id}, comment=request())
        return deleted.deleted_count > 0

    async def get_results(self, experiment_id: str) -> bytes | None:
        """Return the results that were written last; None before the first."""
        with translated_errors(self._address):
            found = await self._experiments().find_one({"_id": experiment_id}, ["results"], comment=request())
        results = None if found is None else found.get("results")
        return results.encode(errors="replace") if isinstance(results, str) else None

    def _experiments(self) -> AsyncCollection[Document]:
        return self._collection(EXPERIMENTS).with_options(**_SURE)


class KeptExperiments:
    """The experiments of a database, for a process. Errors are the driver's; the store translates them."""

    def __init__(self, database: Database[Document], leases: MongoLeases) -> None:
        self._experiments = database.get_collection(EXPERIMENTS, **_SURE)
        self._leases = leases

    def read(self) -> StoredExperiments:
        """Return all definitions."""
        return _experiments_in(list(self._experiments.find({}, _DEFINITION)))

    def replace(self, experiment: Experiment, after: int) -> bool:
        """Store a definition if the version that is stored is `after`; return whether it was."""
        if not after:
            try:
                self._experiments.insert_one(_first(experiment))
            except DuplicateKeyError:
                return False
            return True
        return self._experiments.update_one(*_replacement(experiment, after)).matched_count > 0

    def write_results(self, experiment_id: str, results: bytes, lease: Lease) -> bool:
        """Replace the results of an experiment, fenced; return whether it is still there.

        Raises
        ------
        LeaseLost
            When a larger token has been given out, or has written.
        """
        self._leases.check(lease)
        unfenced = {"_id": experiment_id, "token": {"$not": {"$gt": lease.token}}}
        change = {"$set": {"results": results.decode(), "token": lease.token}}
        if self._experiments.update_one(unfenced, change).matched_count:
            return True
        if self._experiments.find_one({"_id": experiment_id}, ["_id"]) is None:
            return False
        raise LeaseLost(f"a later holder of {lease.name!r} has written results of {experiment_id!r}")


class KeptChallengerUsers:
    """The vectors, for the challenger's trainer. Errors are the driver's, but `LeaseLost`."""

    def __init__(self, database: Database[Document], leases: MongoLeases) -> None:
        self._users = database[CHALLENGER_USERS]
        self._leases = leases

    def replace(self, users: Sequence[ChallengerUser], gone: Sequence[str], lease: Lease) -> None:
        """Delete the vectors of users who are gone, then replace those of others.

        A later holder's documents carry its token and are left alone. Of what a writer wrote too late,
        because it stood still between the look at its lease and the write, nothing is left.
        """
        self._leases.check(lease)
        not_newer: dict[str, Any] = {"token": {"$not": {"$gt": lease.token}}}
        for some in chunks(gone):
            self._users.delete_many({"_id": {"$in": some}} | not_newer)
        # A bulk is not ordered, so of a user only the last vector may be in it.
        newest = {user.user_id: user for user in users}
        for chunk in chunks(newest.values()):
            self._put([_upsert(user, not_newer, lease) for user in chunk], lease)
        try:
            self._leases.check(lease)
        except LeaseLost:
            for some in chunks(newest):
                self._users.delete_many({"_id": {"$in": some}, "token": lease.token})
            raise

    def _put(self, upserts: list[UpdateOne], lease: Lease) -> None:
        try:
            self._users.bulk_write(upserts, ordered=False)
        except BulkWriteError as error:
            if DUPLICATE_KEY not in codes_of(error):
                raise
            raise LeaseLost(f"a later holder of {lease.name!r} has written the challenger's users") from error


def _first(experiment: Experiment) -> Document:
    return {
        "_id": experiment.id,
        "version": experiment.version,
        "definition": encode_experiment(experiment).decode(),
    }


def _replacement(experiment: Experiment, after: int) -> tuple[Document, Document]:
    first = _first(experiment)
    return {"_id": first.pop("_id"), "version": after}, {"$set": first}


def _experiments_in(documents: list[Document]) -> StoredExperiments:
    return read_stored((one["_id"], one.get("version"), one.get("definition")) for one in documents)


def _upsert(user: ChallengerUser, not_newer: Document, lease: Lease) -> UpdateOne:
    fields = {"generation": user.generation, "vector": user.vector, "aging": user.aging, "token": lease.token}
    return UpdateOne({"_id": user.user_id} | not_newer, {"$set": fields}, upsert=True)
