"""A trainer that stood still behind its look at the lease, while another one went on: it undoes nothing."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pymongo
import pytest

from streamrec.adapters.mongo.connection import address_of
from streamrec.adapters.mongo.erasures import noted
from streamrec.adapters.mongo.trainer_store import MongoTrainerStore
from streamrec.domain.events.erasure import digest_of
from streamrec.domain.users.user import UserState
from streamrec.errors import LeaseLost
from streamrec.ports import Lease, Mark, UserUpdates

NOW = 1_700_000_000.0


@pytest.fixture
def stores(mongo_url: str) -> Iterator[tuple[MongoTrainerStore, MongoTrainerStore]]:
    """The one that will stand still, and the one that goes on."""
    stale, current = MongoTrainerStore(address_of(mongo_url)), MongoTrainerStore(address_of(mongo_url))
    yield stale, current
    stale.close()
    current.close()


@pytest.fixture
def database(mongo_url: str) -> Iterator[pymongo.database.Database[dict[str, Any]]]:
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        yield client[address_of(mongo_url).database]


def held(store: MongoTrainerStore, owner: str, now: float) -> Lease:
    lease = store.acquire("trainer", owner, 10.0, now)
    assert lease is not None
    return lease


def updates(n_events: int, *user_ids: str, item_id: str = "i1") -> UserUpdates:
    states = [UserState(user_id, "g1", b"\0" * 8, (item_id,), (), n_events, NOW) for user_id in user_ids]
    return UserUpdates(states, [(user_id, item_id, NOW + n_events) for user_id in user_ids])


def meanwhile(store: MongoTrainerStore, act: Callable[[], object]) -> None:
    """Let something happen right after the store's next look at its lease."""
    leases: Any = store._leases
    check = type(leases).check

    def check_once(lease: Lease) -> None:
        leases.check = lambda lease: check(leases, lease)
        check(leases, lease)
        act()

    leases.check = check_once


def everything(database: Any) -> dict[str, list[str]]:
    return {name: sorted(map(str, database[name].find())) for name in ("users", "seen")}


def test_an_erased_user_is_not_brought_back(
    stores: tuple[MongoTrainerStore, MongoTrainerStore], database: Any
) -> None:
    stale, current = stores
    ours = held(stale, "one", NOW)
    stale.publish_users(updates(1, "erased", "u", "with attributes"), ours)
    database["users"].update_one({"_id": "with attributes"}, {"$set": {"attributes": "{}"}})
    found: list[Any] = []

    def act() -> None:
        lease = held(current, "two", NOW + 11)
        current.forget_users(["erased", "with attributes"], lease)
        found.append(everything(database))

    meanwhile(stale, act)
    with pytest.raises(LeaseLost):
        stale.publish_users(updates(2, "erased", "with attributes"), ours)
    assert everything(database) == found[0]
    assert [user["_id"] for user in database["users"].find({"generation": {"$exists": True}})] == ["u"]


def test_nor_is_one_who_was_given_attributes_anew(
    stores: tuple[MongoTrainerStore, MongoTrainerStore], database: Any
) -> None:
    stale, current = stores
    ours = held(stale, "one", NOW)
    stale.publish_users(updates(1, "erased", "u"), ours)
    digest = digest_of("erased", stale.erasure_salt())

    def act() -> None:
        found, change = noted(digest, Mark("log", {0: 7}), time.time())
        database["erasures"].update_one(found, change, upsert=True)
        current.forget_users(["erased"], held(current, "two", NOW + 11))
        database["users"].insert_one({"_id": "erased", "attributes": "{}"})

    meanwhile(stale, act)
    with pytest.raises(LeaseLost):
        stale.publish_users(updates(2, "erased", "u"), ours)
    left = database["users"].find_one({"_id": "erased"})
    assert left.keys() - {"tokens", "writers"} == {"_id", "attributes"}
    assert {sight["_id"]["user_id"] for sight in database["seen"].find()} == {"u"}


def test_also_among_users_whom_the_other_one_wrote(
    stores: tuple[MongoTrainerStore, MongoTrainerStore], database: Any
) -> None:
    stale, current = stores
    ours = held(stale, "one", NOW)
    users = [f"u{number}" for number in range(50)]
    stale.publish_users(updates(1, "erased", *users), ours)
    found: list[Any] = []

    def act() -> None:
        lease = held(current, "two", NOW + 11)
        current.forget_users(["erased"], lease)
        current.publish_users(updates(2, *users), lease)
        found.append(everything(database))

    meanwhile(stale, act)
    with pytest.raises(LeaseLost, match="newer token"):
        stale.publish_users(updates(2, "erased", *users), ours)
    assert everything(database) == found[0]


def test_sights_of_an_erased_user_go_and_those_of_others_stay(
    stores: tuple[MongoTrainerStore, MongoTrainerStore], database: Any
) -> None:
    stale, current = stores
    ours = held(stale, "one", NOW)
    stale.publish_users(updates(1, "u"), ours)
    meanwhile(stale, lambda: held(current, "two", NOW + 11))
    with pytest.raises(LeaseLost):
        stale.publish_users(UserUpdates([], [("erased", "i2", NOW), ("u", "i2", NOW)]), ours)
    assert [sight["_id"]["user_id"] for sight in database["seen"].find()] == ["u", "u"]


def test_a_user_who_came_back_keeps_what_was_seen_since(
    stores: tuple[MongoTrainerStore, MongoTrainerStore], database: Any
) -> None:
    stale, current = stores
    ours = held(stale, "one", NOW)
    stale.publish_users(updates(1, "u"), ours)
    found: list[Any] = []

    def act() -> None:
        lease = held(current, "two", NOW + 11)
        current.forget_users(["u"], lease)
        current.publish_users(updates(3, "u", item_id="i3"), lease)
        found.append(everything(database))

    meanwhile(stale, act)
    with pytest.raises(LeaseLost):
        stale.forget_users(["u"], ours)
    assert everything(database) == found[0]
    assert len(found[0]["seen"]) == 1
