"""Particulars of MongoDB's stores: fences in documents, comments, sights inserted once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pymongo
import pytest
import structlog

from streamrec.adapters.mongo.connection import address_of
from streamrec.adapters.mongo.store import MongoStore
from streamrec.adapters.mongo.trainer_store import MongoTrainerStore
from streamrec.domain.items.item import Item
from streamrec.domain.users.user import UserState
from streamrec.errors import ConfigurationError, Damaged, InvalidInput, LeaseLost
from streamrec.ports import Lease, UserUpdates

NOW = 1_700_000_000.0


@pytest.fixture
def trainer(mongo_url: str) -> Iterator[MongoTrainerStore]:
    store = MongoTrainerStore(address_of(mongo_url))
    yield store
    store.close()


@pytest.fixture
async def server(mongo_url: str) -> AsyncIterator[MongoStore]:
    store = MongoStore(address_of(mongo_url))
    yield store
    await store.aclose()


@pytest.fixture
def database(mongo_url: str) -> Iterator[pymongo.database.Database[dict[str, Any]]]:
    """The collections as a foreign client sees them."""
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        yield client[address_of(mongo_url).database]


def held(trainer: MongoTrainerStore, owner: str = "one", now: float = NOW) -> Lease:
    lease = trainer.acquire("trainer", owner, 10.0, now)
    assert lease is not None
    return lease


def states(n_events: int, *user_ids: str) -> UserUpdates:
    return UserUpdates(
        [UserState(user_id, "g1", b"\0" * 8, (), (), n_events, NOW) for user_id in user_ids], []
    )


async def test_a_writer_that_passed_the_look_at_the_lease_a_moment_too_early_is_stopped_by_the_documents(
    trainer: MongoTrainerStore, server: MongoStore, database: Any
) -> None:
    stale = held(trainer)
    current = held(trainer, "two", NOW + 11)
    trainer.publish_users(states(7, "u"), current)
    database["leases"].delete_many({})  # so that only the document can tell
    with pytest.raises(LeaseLost, match="newer token"):
        trainer.publish_users(states(1, "u", "v"), stale)
    trainer.forget_users(["u"], stale)
    document = await server.get_user("u")
    assert document is not None
    assert document.state is not None
    assert document.state.n_events == 7


async def test_the_fence_stands_also_where_others_created_the_users(
    trainer: MongoTrainerStore, server: MongoStore, database: Any
) -> None:
    database["users"].insert_one({"_id": "restored", "generation": None})
    await server.put_attributes("u", {"country": "NZ"})
    stale = held(trainer)
    trainer.publish_users(states(7, "u"), held(trainer, "two", NOW + 11))
    database["leases"].delete_many({})
    with pytest.raises(LeaseLost):
        trainer.publish_users(states(1, "u"), stale)


def test_tokens_grow_also_when_the_leases_were_lost(trainer: MongoTrainerStore, database: Any) -> None:
    first = held(trainer)
    database["leases"].drop()
    second = held(trainer, "two", NOW + 1)
    assert second.token > first.token
    trainer.publish_users(states(2, "u"), second)


def test_an_owner_may_have_any_name(trainer: MongoTrainerStore) -> None:
    lease = held(trainer, "$owner")
    assert lease.owner == "$owner"
    assert trainer.acquire("trainer", "other", 10.0, NOW + 1) is None
    trainer.release(lease)
    assert held(trainer, "other").token > lease.token


def test_sights_published_again_and_again_stand_there_once(trainer: MongoTrainerStore, database: Any) -> None:
    lease = held(trainer)
    old = [("u", f"i{number}", NOW + number) for number in range(50)]
    for _ in range(3):
        trainer.publish_users(UserUpdates([], [*old, old[0]]), lease)
    new = [("u", f"i{number}", NOW + 1000 + number) for number in range(50)]
    for _ in range(2):
        trainer.publish_users(UserUpdates([], [*old[:5], *new]), lease)
    assert database["seen"].count_documents({}) == 100


def test_the_collections_are_as_people_expect_them(trainer: MongoTrainerStore, database: Any) -> None:
    lease = held(trainer)
    state = UserState("u", "g1", b"\0\0\x80?", ("i1",), ("i9",), 3, NOW)
    trainer.publish_users(UserUpdates([state], [("u", "i1", NOW)]), lease)
    assert database["users"].find_one() == {
        "_id": "u", "generation": "g1", "vector": b"\0\0\x80?", "recent": ["i1"], "disliked": ["i9"],
        "n_events": 3, "updated_at": NOW, "profile": "[[],[]]", "recent_at": [], "aging": None, "less": None,
        "tokens": {"trainer": lease.token}, "writers": {"trainer": lease.token},
    }  # fmt: skip
    assert database["seen"].find_one() == {"_id": {"user_id": "u", "at": NOW, "item_id": "i1"}}


async def test_reading_the_newest_sights_looks_at_no_others(
    trainer: MongoTrainerStore, server: MongoStore, database: Any
) -> None:
    seen = [(f"u{number % 3}", f"i{number}", NOW + number) for number in range(600)]
    trainer.publish_users(UserUpdates([], seen), held(trainer))
    database.command("profile", 2)
    assert (await server.seen_items("u1", 20))[0] == "i598"
    database.command("profile", 0)
    profiled = database["system.profile"].find_one({"command.aggregate": "seen"})
    assert (profiled["docsExamined"], profiled["keysExamined"]) == (0, 20)


async def test_what_a_request_asks_carries_its_id(server: MongoStore, database: Any) -> None:
    await server.put_items([Item("i1")])
    database.command("profile", 2)
    with structlog.contextvars.bound_contextvars(request_id="r-17"):
        await server.get_profile("u", 5)
        await server.get_items(["i1"])
        await server.put_attributes("u", {})
        await server.find_users("u", 5)
        await server.erase_user("u")
    await server.get_user("u")
    database.command("profile", 0)
    profiled = list(database["system.profile"].find({"command.comment": "r-17"}))
    assert {entry["op"] for entry in profiled} == {"query", "command", "update", "remove"}
    assert database["system.profile"].count_documents({"command.comment": {"$exists": False}}) > 0


async def test_who_asks_in_one_turn_is_read_in_one_round_trip_and_what_is_damaged_costs_itself_alone(
    trainer: MongoTrainerStore, server: MongoStore, database: Any
) -> None:
    trainer.publish_users(
        UserUpdates(states(3, "a", "b", "c").states, [("a", "i1", NOW), ("b", "i2", NOW)]), held(trainer)
    )
    await server.put_items([Item("i1"), Item("i2"), Item("i3")])
    database["users"].update_one({"_id": "c"}, {"$set": {"attributes": "["}})
    database["items"].update_one({"_id": "i3"}, {"$set": {"kind": 5}})
    await server.check()
    database.command("profile", 2)
    found = await asyncio.gather(*(server.get_profile(user_id, 10) for user_id in ("a", "b")))
    both = await asyncio.gather(server.get_versions(["i1"]), server.get_versions(["i2"]))
    database.command("profile", 0)
    assert database["system.profile"].count_documents({"command.aggregate": "users"}) == 1
    assert database["system.profile"].count_documents({"command.find": "items"}) == 1
    assert [profile.seen for profile in found] == [["i1"], ["i2"]]
    assert [list(versions.items) for versions in both] == [["i1"], ["i2"]]
    well, damaged = await asyncio.gather(
        server.get_profile("a", 10), server.get_profile("c", 10), return_exceptions=True
    )
    assert (well, type(damaged)) == (found[0], Damaged)
    known, odd = await asyncio.gather(
        server.get_versions(["i1"]), server.get_versions(["i3"]), return_exceptions=True
    )
    assert (known, type(odd)) == (both[0], Damaged)


async def test_what_does_not_fit_into_a_document_is_refused_with_the_reason(
    trainer: MongoTrainerStore, server: MongoStore
) -> None:
    huge = "x" * (17 * 1024 * 1024)
    with pytest.raises(InvalidInput, match="can't hold"):
        await server.put_items([Item("small"), Item("i1", text=huge)])
    with pytest.raises(InvalidInput, match="can't hold"):
        await server.put_attributes("u", {"text": huge})
    with pytest.raises(InvalidInput, match="can't hold"):
        await server.get_user("half a character: \ud800")
    with pytest.raises(InvalidInput, match="can't hold"):
        trainer.publish_users(UserUpdates([UserState("u", "g1", None, (huge,))], []), held(trainer))


@pytest.mark.parametrize(
    "url",
    ["mongodb://", "mongodb://host:port/x", "mongodb://me:a/b@host/x", "mongodb://host/?timoutMS=3",
     "mongodb://host/?timeoutMS=soon", "mongodb://[::1/x"],
)  # fmt: skip
def test_a_wrong_url_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(ConfigurationError, match="STREAMREC_STORE_URL"):
        address_of(url)


def test_options_of_the_url_prevail() -> None:
    options = address_of("mongodb://host/?w=1&SOCKETTIMEOUTMS=7").options(5.0)
    assert not {"w", "journal", "socketTimeoutMS"} & set(options)
    assert address_of("mongodb://host/").options(5.0)["socketTimeoutMS"] == 5000


async def test_a_user_of_very_many_sights_is_erased_in_pieces(
    trainer: MongoTrainerStore, server: MongoStore, database: Any
) -> None:
    lease = held(trainer)
    seen = [("u", f"i{number}", NOW + number) for number in range(20_001)]
    trainer.publish_users(UserUpdates([], [*seen, ("v", "i1", NOW)]), lease)
    assert await server.erase_user("u")
    assert [sight["_id"]["user_id"] for sight in database["seen"].find()] == ["v"]
