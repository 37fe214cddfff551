"""A MongoDB that is absent, dies, hangs, or does not let us in."""

import asyncio
import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest

from streamrec.adapters.opening import open_store, open_trainer_store
from streamrec.cli.launch.local_servers import MONGODB, LocalServer, free_port
from streamrec.domain.users.user import UserState
from streamrec.errors import ConfigurationError, Unavailable
from streamrec.ports import DocumentStore, TrainerStore, UserProfile, UserUpdates

NOW = 1_700_000_000.0
PASSWORD = "p@ss/word:1"
QUOTED = "p%40ss%2Fword%3A1"


@pytest.fixture
def own_server(mongo_server: LocalServer, tmp_path: Path) -> Iterator[LocalServer]:
    """One that the test may kill."""
    assert mongo_server.port
    server = LocalServer(MONGODB, tmp_path).start()
    yield server
    server.thaw()
    server.stop()


def sides(url: str, opened: list[Any]) -> tuple[TrainerStore, DocumentStore]:
    trainer, server = open_trainer_store(url), open_store(url)
    opened += [trainer, server]
    return trainer, server


async def test_an_absent_server_is_unavailable_at_each_use_and_named_without_its_password(
    opened: list[Any],
) -> None:
    place = f"127.0.0.1:{free_port()}/x?serverSelectionTimeoutMS=100"
    trainer, server = sides(f"mongodb://me:secret@{place}", opened)
    for _ in range(2):
        with pytest.raises(Unavailable) as at_trainer:
            trainer.acquire("trainer", "one", 10.0, NOW)
        with pytest.raises(Unavailable) as at_server:
            await server.get_profile("u", 10)
        with pytest.raises(Unavailable):
            await server.check()
        with pytest.raises(Unavailable):
            trainer.read_items()
        for failed in (at_trainer, at_server):
            assert f"mongodb://me:***@{place}" in str(failed.value)
            assert "secret" not in str(failed.value)
            assert "\n" not in str(failed.value)


async def test_a_call_goes_through_though_its_caller_stops_waiting(
    own_server: LocalServer, opened: list[Any]
) -> None:
    # The driver is not safe to cancel while it looks for a server: see `finishing`.
    server = open_store(f"{own_server.url}/?serverSelectionTimeoutMS=120000")
    opened.append(server)
    own_server.kill()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(server.put_attributes("u", {"age": 3}), 0.2)
    own_server.start()
    while (found := await server.get_user("u")) is None:
        await asyncio.sleep(0.05)
    assert found.attributes == {"age": 3}


async def test_what_a_call_fails_of_that_nobody_waits_for_is_no_line_of_the_log(
    opened: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    server = open_store(f"mongodb://127.0.0.1:{free_port()}/x?serverSelectionTimeoutMS=100")
    opened.append(server)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(server.get_user("u"), 0.01)
    with pytest.raises(Unavailable):  # begun later, with the same patience: the first is over by then
        await server.get_user("u")
    await asyncio.sleep(0)
    gc.collect()
    assert caplog.records == []


async def test_what_goes_on_at_the_end_is_waited_for_and_opens_nothing_anew(own_server: LocalServer) -> None:
    server = open_store(own_server.url)
    call = asyncio.ensure_future(server.put_attributes("u", {"age": 3}))
    await asyncio.sleep(0)
    call.cancel()
    await server.aclose()
    other = open_store(own_server.url)
    found = await other.get_user("u")
    await other.aclose()
    assert found is not None
    assert found.attributes == {"age": 3}
    gc.collect()  # a client that nobody closed would be told of


async def test_after_a_crash_the_same_clients_go_on(own_server: LocalServer, opened: list[Any]) -> None:
    trainer, server = sides(f"{own_server.url}/?serverSelectionTimeoutMS=1000", opened)
    lease = trainer.acquire("trainer", "one", 10.0, NOW)
    assert lease is not None
    published = UserUpdates([UserState("u", "g1", b"1234")], [("u", "i1", NOW)])
    trainer.publish_users(published, lease)
    before = await server.get_profile("u", 10)
    own_server.kill()
    with pytest.raises(Unavailable):
        trainer.publish_users(published, lease)
    with pytest.raises(Unavailable):
        await server.get_user("u")
    own_server.start()
    # What was confirmed is there again, also after a kill.
    assert await eventually(server, "u") == before
    while True:
        try:
            trainer.publish_users(published, lease)
            break
        except Unavailable:
            await asyncio.sleep(0.05)
    await server.check()


async def eventually(server: DocumentStore, user_id: str) -> object:
    while True:
        try:
            return await server.get_profile(user_id, 10)
        except Unavailable:
            await asyncio.sleep(0.05)


async def test_a_server_that_hangs_is_given_up_in_time(own_server: LocalServer, opened: list[Any]) -> None:
    trainer, server = sides(
        f"{own_server.url}/?socketTimeoutMS=1000&connectTimeoutMS=1000&serverSelectionTimeoutMS=1000", opened
    )
    lease = trainer.acquire("trainer", "one", 10.0, NOW)
    assert lease is not None
    await server.check()
    own_server.freeze()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(server.get_user("u"), 60)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(asyncio.to_thread(trainer.acquire, "trainer", "one", 10.0, NOW), 60)
    # A caller that gives up before leaves nothing behind that the next one could stumble over.
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(server.get_user("u"), 0.05)
    own_server.thaw()
    assert await eventually(server, "u") == UserProfile(None, [])
    with warnings.catch_warnings():
        # The driver leaves the socket of a connection that was given up on the way to the collector.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def guarded(mongo_server: LocalServer, tmp_path: Path) -> Iterator[LocalServer]:
    """One that asks for a password, with users who may do all, what we need, and nothing."""
    assert mongo_server.port
    server = LocalServer(MONGODB, tmp_path, extra=("--auth",)).start()
    with pymongo.MongoClient[Any](server.url) as client:
        # The first user may be created without a password, from this machine.
        client.admin.command("createUser", "me", pwd=PASSWORD, roles=["root"])
    with pymongo.MongoClient[Any](server.url, username="me", password=PASSWORD) as client:
        client.admin.command("createUser", "nobody", pwd=PASSWORD, roles=[])
        least = [{"role": "readWrite", "db": "streamrec"}]
        client.admin.command("createUser", "writer", pwd=PASSWORD, roles=least)
    yield server
    server.stop()


async def test_who_is_refused_is_told_so_in_one_line_without_the_password(
    guarded: LocalServer, opened: list[Any]
) -> None:
    host = f"127.0.0.1:{guarded.port}/streamrec?authSource=admin"
    wrong = {
        f"mongodb://me:{QUOTED}x@{host}": f"mongodb://me:***@{host}",
        f"mongodb://nobody:{QUOTED}@{host}": f"mongodb://nobody:***@{host}",
        f"mongodb://{host}": f"mongodb://{host}",
    }
    for url, shown in wrong.items():
        trainer, server = sides(url, opened)
        for error in (await refusal(server), refusal_of_the_trainer(trainer)):
            assert f"STREAMREC_STORE_URL {shown}" in error
            assert "refused" in error
            assert PASSWORD not in error
            assert QUOTED not in error
            assert "\n" not in error


async def test_to_read_and_write_is_all_that_we_must_be_allowed(
    guarded: LocalServer, opened: list[Any]
) -> None:
    trainer, server = sides(f"mongodb://writer:{QUOTED}@127.0.0.1:{guarded.port}/?authSource=admin", opened)
    await server.check()
    await server.put_attributes("u", {"country": "NZ"})
    lease = trainer.acquire("trainer", "one", 10.0, NOW)
    assert lease is not None
    trainer.publish_users(UserUpdates([UserState("u", "g1", b"1234")], [("u", "i1", NOW)]), lease)
    assert (await server.get_profile("u", 10)).seen == ["i1"]
    assert await server.erase_user("u")


async def refusal(server: DocumentStore) -> str:
    with pytest.raises(ConfigurationError) as refused:
        await server.check()
    with pytest.raises(ConfigurationError):
        await server.put_attributes("u", {})
    return str(refused.value)


def refusal_of_the_trainer(trainer: TrainerStore) -> str:
    with pytest.raises(ConfigurationError) as refused:
        trainer.acquire("trainer", "one", 10.0, NOW)
    return str(refused.value)
