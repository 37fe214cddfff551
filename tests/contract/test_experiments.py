"""Contract of every document store's experiments, for servers and for processes that follow the stream."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pymongo
import pytest

from streamrec.adapters.memory.store import MemoryStore
from streamrec.adapters.opening import open_store, open_trainer_store
from streamrec.domain.experiments.definition import Changes, Experiment, Variant
from streamrec.errors import LeaseLost
from streamrec.ports import DocumentStore, Lease, TrainerStore

NOW = 1_700_000_000.0
AB = (Variant("a"), Variant("b", 2.0, Changes(("gmf",), diversity=0.5)))


class Sides(NamedTuple):
    process: TrainerStore
    server: DocumentStore
    url: str


@pytest.fixture(params=["memory", "sqlite", "mongodb"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sides]:
    if request.param == "memory":
        memory = MemoryStore()
        sides = Sides(memory, memory, "memory")
    else:
        is_mongodb = request.param == "mongodb"
        url = request.getfixturevalue("mongo_url") if is_mongodb else f"sqlite:///{tmp_path}/store.db"
        sides = Sides(open_trainer_store(url), open_store(url), url)
    yield sides
    sides.process.close()
    await sides.server.aclose()


def experiment(id_: str = "x", **fields: Any) -> Experiment:
    known: dict[str, Any] = {
        "version": 1,
        "variants": AB,
        "control": "a",
        "primary": "ctr",
        "audience": {"a.$b": ("1", "ü")},
    }
    return Experiment(id_, **known | fields)


def held(store: Sides, owner: str = "one", now: float = NOW) -> Lease:
    lease = store.process.acquire("attribution", owner, 10.0, now)
    assert lease is not None
    return lease


async def test_a_definition_is_read_as_it_was_put_by_both_sides(store: Sides) -> None:
    assert await store.server.get_experiments() == ([], {})
    for id_ in ("y", "x"):
        assert await store.server.put_experiment(experiment(id_), after=0)
    assert await store.server.get_experiments() == ([experiment("x"), experiment("y")], {})
    assert store.process.read_experiments() == await store.server.get_experiments()


async def test_of_two_editors_the_second_is_told(store: Sides) -> None:
    assert await store.server.put_experiment(experiment(), after=0)
    assert not await store.server.put_experiment(experiment(ramp=5.0), after=0)
    assert await store.server.put_experiment(experiment(version=2, ramp=5.0), after=1)
    assert not await store.server.put_experiment(experiment(version=2, ramp=50.0), after=1)
    assert not store.process.replace_experiment(experiment(version=2, state="stopped"), after=1)
    assert not await store.server.put_experiment(experiment("unknown", version=3), after=2)
    assert store.process.replace_experiment(experiment(version=3, state="stopped"), after=2)
    assert (await store.server.get_experiments()).experiments == [experiment(version=3, state="stopped")]


async def test_of_many_editors_at_once_one_has_written(store: Sides) -> None:
    for after in (0, 1):
        edits = [experiment(version=after + 1, ramp=float(n)) for n in range(8)]
        done = await asyncio.gather(*(store.server.put_experiment(edit, after) for edit in edits))
        assert done.count(True) == 1
        assert (await store.server.get_experiments()).experiments == [edits[done.index(True)]]


async def test_what_is_deleted_is_gone_with_its_results(store: Sides) -> None:
    lease = held(store)
    await store.server.put_experiment(experiment(), after=0)
    assert await store.server.get_results("x") is None
    assert store.process.write_results("x", b'{"n": 1}', lease)
    assert store.process.write_results("x", b'{"n": "\xc3\xbc"}', lease)
    assert await store.server.get_results("x") == b'{"n": "\xc3\xbc"}'
    assert await store.server.delete_experiment("x")
    assert not await store.server.delete_experiment("x")
    assert await store.server.get_results("x") is None
    assert not store.process.write_results("x", b"{}", lease)
    await store.server.put_experiment(experiment(), after=0)
    assert await store.server.get_results("x") is None


async def test_an_edit_leaves_the_results_alone(store: Sides) -> None:
    await store.server.put_experiment(experiment(), after=0)
    store.process.write_results("x", b"{}", held(store))
    await store.server.put_experiment(experiment(version=2), after=1)
    assert await store.server.get_results("x") == b"{}"


async def test_who_lost_the_lease_writes_no_results(store: Sides) -> None:
    await store.server.put_experiment(experiment(), after=0)
    old = held(store)
    new = held(store, "two", NOW + 20)
    store.process.write_results("x", b'"new"', new)
    with pytest.raises(LeaseLost):
        store.process.write_results("x", b'"old"', old)
    assert await store.server.get_results("x") == b'"new"'


async def test_a_definition_that_can_not_be_read_hides_no_other(store: Sides) -> None:
    for id_ in ("fine", "bad", "odd"):
        await store.server.put_experiment(experiment(id_), after=0)
    spoil(store, "bad", b'{"id":"bad","version":1')
    spoil(store, "odd", msgspec.json.encode(experiment("another")))
    found = await store.server.get_experiments()
    assert [one.id for one in found.experiments] == ["fine"]
    assert found.broken["odd"] == "it holds version 1 of 'another'"
    assert found.broken.keys() == {"bad", "odd"}
    assert store.process.read_experiments() == found
    assert await store.server.put_experiment(experiment("bad", version=2), after=1)
    assert (await store.server.get_experiments()).broken.keys() == {"odd"}


def spoil(store: Sides, id_: str, document: bytes) -> None:
    if isinstance(store.server, MemoryStore):
        store.server.documents[id_] = 1, document
    elif store.url.startswith("mongodb"):
        with pymongo.MongoClient[dict[str, Any]](store.url) as client:
            change = {"$set": {"definition": document.decode()}}
            client.get_default_database("streamrec")["experiments"].update_one({"_id": id_}, change)
    else:
        with sqlite3.connect(store.url.removeprefix("sqlite:///")) as connection:
            connection.execute("UPDATE experiments SET document = ? WHERE id = ?", (document.decode(), id_))
        connection.close()
