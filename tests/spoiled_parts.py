"""The recommender over real stores and a real index client, whose bytes a test may spoil and mend."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pymongo
import redis

import recommender_server.app
from recommender_server.app import Parts, Rules
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink
from streamrec.adapters.opening import open_cache, open_cache_publisher, open_store, open_trainer_store
from streamrec.domain.bars.bar import BarsSpan, BarsUpdate, pack
from streamrec.domain.bars.batch_minutes import TALLY
from streamrec.domain.items.item import Item
from streamrec.domain.sources.popular import WINDOWS
from streamrec.domain.sources.table import first_blend
from streamrec.domain.status.point import StatusPoint
from streamrec.domain.status.report import RejectedReason, TrainerReport
from streamrec.domain.users.user import LabelUse, Profile, UserState
from streamrec.ports import ItemIndex, Neighbours, RankedItem, UserUpdates
from streamrec.telemetry import NullMetrics
from tests.asgi_client import Answer, Client
from tests.damage import NESTED

ITEMS = [f"i{number}" for number in range(9)]
CATEGORY = "c"
VECTOR = np.array([1.0, 1.0], "<f4").tobytes()

ROUTES = (
    "/v1/recommendations?user_id=u&k=3",
    "/v1/recommendations?user_id=u&k=3&diversity=0.5",
    "/v1/recommendations?user_id=u&k=3&explain=true&exclude_seen=false",
    "/v1/recommendations?user_id=u&only_ids=i3&only_ids=i4",
    "/v1/recommendations?item_id=i1&k=3",
    "/v1/recommendations?k=3&category=c",
    "/v1/popular?k=3",
    "/v1/popular?k=3&category=c",
    "/v1/trending?k=3",
    "/v1/latest?k=3",
    "/v1/items?text=i",
    "/v1/items/i1",
    "/v1/items/i1/similar?k=3",
    "/v1/items/i1/similar?k=3&by=vector",
    "/v1/items/i1/similar?k=3&by=same_day",
    "/v1/items/i1/history",
    "/v1/users/u",
    "/v1/users?prefix=u",
    "/v1/users/u/similar",
    "/v1/status",
    "/v1/status/series",
    "/v1/exposures",
    "/health/ready",
)


class Urls(NamedTuple):
    store: str
    cache: str


def publish(urls: Urls) -> None:
    """Write what a trainer, a keeper of bars and a service write."""
    with closing(open_trainer_store(urls.store)) as store:
        lease = store.acquire("trainer", "test", 10.0, 1000.0)
        assert lease is not None
        profile = Profile((LabelUse(CATEGORY, 2, 1.5),))
        states = [
            UserState(user_id, "g1", VECTOR, ("i1", "i2"), ("i8",), 3, 5.0, profile, (3, 5))
            for user_id in ("u", "u2")
        ]
        store.publish_users(UserUpdates(states, [("u", "i1", 5.0)]), lease)
    with closing(open_cache_publisher(urls.cache)) as cache:
        publish_cache(cache)


def publish_cache(cache: Any) -> None:
    """Write what the trainer and the keeper of bars publish again and again."""
    ranking = [RankedItem(item_id, 9.0 - number) for number, item_id in enumerate(ITEMS)]
    names = [*WINDOWS, "new", "promising", *(f"{window}:{CATEGORY}" for window in WINDOWS)]
    cache.publish_popular(dict.fromkeys(names, ranking))
    near = Neighbours(["i3", "i4"], [0.5, 0.4], [3.0, 2.0], [0.1, 0.0], ["i5"], [2])
    cache.publish_neighbours({"i1": near, "i2": near})
    cache.publish_blend(first_blend().published())
    cache.publish_counters({"n_events": 3.0})
    now = int(time.time())
    report = TrainerReport(float(now), "g1", 1.0, [RejectedReason("empty", 1, "", 2.0)])
    cache.publish_report(report, [StatusPoint(10, now - now % 10, {"lag_s": 0.5})])
    minute = np.array([(10, 3, 0, 0, 1.5, 3.5, 0.5, 2.5, 9.0)], TALLY)
    cache.publish_bars(BarsUpdate(BarsSpan(620.0, 60), {"i1": pack(minute)}, []))


@contextmanager
def opened(urls: Urls, index: ItemIndex) -> Iterator[tuple[Client, Parts]]:
    """Give a client of the app; to be shut down by the caller."""
    sink = MemoryEventSink(MemoryEventLog())
    parts = Parts(open_store(urls.store), open_cache(urls.cache), index, sink, NullMetrics())
    yield Client(recommender_server.app.create_app(parts, Rules())), parts


async def fill(parts: Parts) -> None:
    """Write the metadata, into store and cache."""
    items = [Item(item_id, "film", item_id, categories=(CATEGORY,)) for item_id in ITEMS]
    await parts.store.put_items(items)
    await parts.cache.put_items(items)
    await parts.store.put_attributes("u", {"age": 3})


async def ask_all(client: Client) -> dict[str, Answer]:
    """Ask every route, and see that none fails in another way than it may."""
    answers = {route: await client.call("GET", route) for route in ROUTES}
    for route, answer in answers.items():
        assert answer.status in (200, 503), (route, answer)
        if answer.status == 503 and route != "/health/ready":
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json["detail"]
    return answers


def degraded(answers: dict[str, Answer]) -> set[str]:
    """Return the routes whose answers are not whole."""
    return {route for route, answer in answers.items() if answer.status == 503 or answer.json.get("degraded")}


class Spoil(NamedTuple):
    """One way to spoil what is stored; `undo` mends it."""

    name: str
    do: Callable[[], None]
    undo: Callable[[], None]


TEXTS: dict[str, object] = {
    "no JSON": "no json",
    "no UTF-8": b"\xff\xfe",
    "nested": NESTED.decode(),
    "another type": "17",
    "an empty list": "[]",
    "an empty object": "{}",
    "odd members": '[["a"], 1, null]',
    "a large number": "[" + "9" * 5000 + "]",
    "an integer": 17,
    "nothing": "",
}


def spoils_of_sqlite(path: Path, table: str, column: str) -> Iterator[Spoil]:
    """Yield ways to spoil a column of all rows; bytes also as what SQLite takes for text."""
    for name, value in TEXTS.items():
        yield _spoil(path, table, column, f"{table}.{column}: {name}", "?", value)
    yield _spoil(path, table, column, f"{table}.{column}: text of no UTF-8", "CAST(? AS TEXT)", b"[\xff]")
    yield _spoil(path, table, column, f"{table}.{column}: infinite", "9e999", None)


def _spoil(path: Path, table: str, column: str, name: str, written: str, value: object) -> Spoil:
    backup = f"backup_of_{table}"

    def do() -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {backup} AS SELECT * FROM {table}")
            parameters = [value] if "?" in written else []
            connection.execute(f"UPDATE {table} SET {column} = {written}", parameters)

    def undo() -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"DELETE FROM {table}")
            connection.execute(f"INSERT INTO {table} SELECT * FROM {backup}")

    return Spoil(name, do, undo)


def spoils_of_redis(url: str, key: str) -> Iterator[Spoil]:
    """Yield ways to spoil a key's value; keys of another type than text are given bad members."""
    for name, value in TEXTS.items():
        yield _redis_spoil(url, key, name, value)


def _redis_spoil(url: str, key: str, name: str, value: object) -> Spoil:
    kept: list[bytes] = []

    def do() -> None:
        with redis.Redis.from_url(url) as client:
            kept.append(client.dump(key))
            kind = client.type(key)
            if kind == b"string":
                client.set(key, value)
            elif kind == b"zset":
                client.zadd(key, {b"\xff": float("inf")})
            else:
                client.hset(key, mapping={b"\xff": value, "7": value})

    def undo() -> None:
        with redis.Redis.from_url(url) as client:
            client.restore(key, 0, kept.pop(), replace=True)

    return Spoil(f"{key}: {name}", do, undo)


MONGO_VALUES: dict[str, object] = {
    "text": "no json",
    "nested": NESTED.decode(),
    "a number": 17,
    "nothing": None,
    "a list": [["a"], 1],
    "an object": {"a": {"b": 1}},
    "a NaN": float("nan"),
    "infinite": float("inf"),
    "bytes": b"\xff\xfe\x01",
}


def spoils_of_mongo(url: str, collection: str, field: str) -> Iterator[Spoil]:
    """Yield ways to spoil a field of all documents, and its absence."""
    for name, value in MONGO_VALUES.items():
        yield _mongo_spoil(url, collection, f"{collection}.{field}: {name}", {"$set": {field: value}})
    yield _mongo_spoil(url, collection, f"{collection}.{field}: absent", {"$unset": {field: ""}})


def _mongo_spoil(url: str, collection: str, name: str, change: dict[str, Any]) -> Spoil:
    kept: list[dict[str, Any]] = []

    def do() -> None:
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            documents = client.get_default_database()[collection]
            kept.extend(documents.find())
            documents.update_many({}, change, bypass_document_validation=True)

    def undo() -> None:
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            for document in kept:
                documents = client.get_default_database()[collection]
                documents.replace_one({"_id": document["_id"]}, document, bypass_document_validation=True)
            kept.clear()

    return Spoil(name, do, undo)
