"""Documents of the store that trainers read: a damaged one stops no trainer, and hides no other."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pymongo
import pytest
from structlog.testing import capture_logs

from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.memory.store import MemoryStore
from streamrec.adapters.opening import open_store, open_trainer_store
from streamrec.adapters.sqlite.connection import path_of
from streamrec.domain.generations.roles import PromotionRequest
from streamrec.domain.items.item import Item
from streamrec.errors import LeaseLost
from streamrec.ports import DocumentStore, Snapshot, TrainerStore, UserUpdates, VectorTable
from streamrec.process.lease import LeaseKeeper
from streamrec.process.status import TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.promotion.role_end import RoleEnd
from streamrec.promotion.roles import NAMES, TrainerRoles
from streamrec.telemetry import NullMetrics
from tests.damage import NESTED

NOW = 1_700_000_000.0
N_PAGE = 2100
"""More than a page, so that each reader turns at least one."""


class Store(NamedTuple):
    trainer: TrainerStore
    server: DocumentStore
    spoil: Callable[[], int]
    set_lease: Callable[[dict[str, Any]], None]


@pytest.fixture(params=["sqlite", "mongodb"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/store.db"
        path = path_of(url)
        spoil, set_lease = (lambda: spoil_sqlite(path)), (lambda fields: set_sqlite_lease(path, fields))
    else:
        url = request.getfixturevalue("mongo_url")
        spoil, set_lease = (lambda: spoil_mongo(url)), (lambda fields: set_mongo_lease(url, fields))
    made = Store(open_trainer_store(url), open_store(url), spoil, set_lease)
    yield made
    made.trainer.close()
    await made.server.aclose()


def spoil_sqlite(path: Path) -> int:
    rows: list[tuple[str, str]] = [
        ("'spoiled-1'", "'no json'"),
        ("'spoiled-2'", "17"),
        ("'spoiled-3'", f'\'{{"item_id": "spoiled-3", "x": {NESTED.decode()}}}\''),
        ("'spoiled-4'", "CAST(x'ff' AS TEXT)"),
        ("'spoiled-5'", '\'{"item_id": "another"}\''),
        ("x'ff'", '\'{"item_id": "bytes"}\''),
        ("CAST(x'ff41' AS TEXT)", '\'{"item_id": "no-text"}\''),
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        for item_id, document in rows:
            connection.execute(f"INSERT INTO items (item_id, document) VALUES ({item_id}, {document})")
    return len(rows)


def spoil_mongo(url: str) -> int:
    good: dict[str, Any] = {"kind": None, "title": None, "text": None, "categories": [], "is_hidden": False}
    documents: list[dict[str, Any]] = [
        {"title": "of an id of MongoDB's own"},
        {"_id": 7, **good, "attributes": "{}", "updated_at": 1.0},
        {"_id": "spoiled-1"},
        {"_id": "spoiled-2", **good, "attributes": NESTED.decode(), "updated_at": 1.0},
        {"_id": "spoiled-3", **good, "categories": [1], "attributes": "{}", "updated_at": 1.0},
        {"_id": "spoiled-4", **good, "attributes": {"a": 1}, "updated_at": "yesterday"},
    ]
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        client.get_default_database()["items"].insert_many(documents)
    return len(documents)


def set_sqlite_lease(path: Path, fields: dict[str, Any]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, value in fields.items():
            connection.execute(f"UPDATE leases SET {name} = ?", (value,))


def set_mongo_lease(url: str, fields: dict[str, Any]) -> None:
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        client.get_default_database()["leases"].update_many({}, {"$set": fields})


async def test_damaged_items_are_told_of_and_all_others_are_read(store: Store) -> None:
    items = [Item(f"i{number:05}", title="t") for number in range(N_PAGE)] + [Item("z")]
    await store.server.put_items(items)
    n_spoiled = store.spoil()
    with capture_logs() as lines:
        found = [item.item_id for item in store.trainer.read_items()]
        some = [item.item_id for item in store.trainer.read_items(["z", "spoiled-1", "spoiled-3", "i00001"])]
    assert found == sorted(item.item_id for item in items)
    assert some == ["z", "i00001"]
    told = [line for line in lines if line["event"] == "documents_passed_over"]
    assert told
    assert len(told) < n_spoiled


SPOILED_LEASES: list[dict[str, Any]] = [
    {"expires_at": "never"},
    {"expires_at": 1e300},
    {"expires_at": b"\xff"},
    {"token": "abc", "expires_at": NOW + 10},
    {"token": -5, "expires_at": NOW + 10},
    {"token": 2**60, "expires_at": NOW + 10},
    {"owner": b"\xff", "token": "x", "expires_at": "y"},
]


@pytest.mark.parametrize("fields", SPOILED_LEASES, ids=str)
def test_a_lease_that_nobody_can_have_written_is_taken(store: Store, fields: dict[str, Any]) -> None:
    first = store.trainer.acquire("trainer", "one", 10.0, NOW - 100)
    assert first is not None
    store.set_lease(fields)
    taken = store.trainer.acquire("trainer", "two", 10.0, NOW)
    assert taken is not None
    assert taken.token > first.token
    assert store.trainer.acquire("trainer", "three", 10.0, NOW + 1) is None
    assert store.trainer.acquire("trainer", "two", 10.0, NOW + 1) == taken._replace(expires_at=NOW + 11)
    store.trainer.publish_users(UserUpdates([], [("u", "i", NOW)]), taken)
    with pytest.raises(LeaseLost):
        store.trainer.publish_users(UserUpdates([], [("u", "j", NOW)]), first)


@pytest.mark.parametrize("fields", SPOILED_LEASES[3:6], ids=str)
def test_a_holder_whose_lease_is_spoiled_gets_another_token(store: Store, fields: dict[str, Any]) -> None:
    first = store.trainer.acquire("trainer", "one", 10.0, NOW - 1)
    assert first is not None
    store.set_lease(fields)
    renewed = store.trainer.acquire("trainer", "one", 10.0, NOW)
    assert renewed is not None
    assert renewed.token >= int(NOW)
    store.trainer.publish_users(UserUpdates([], [("u", "i", NOW)]), renewed)


GARBAGE = (b"\xff", b"", b"../etc", NESTED, b"CURRENT")


@pytest.mark.parametrize("name", ["CURRENT", "CHALLENGER", "PROMOTION"])
def test_a_trainer_at_work_goes_on_while_roles_can_not_be_read(tmp_path: Path, name: str) -> None:
    items, users = (VectorTable([one], np.ones((1, 2), np.float32)) for one in ("i", "u"))
    for generation in ("g1", "g2"):
        write_snapshot(tmp_path, Snapshot(generation, items, users, {}, 1.0, {}))
    set_current(tmp_path, "g1")
    stop, metrics = StopRequest(), NullMetrics()
    roles = SnapshotRoles(tmp_path)
    store = MemoryStore()
    leases = {role: LeaseKeeper(store, name, "one", 6.0, lambda: NOW) for role, name in NAMES.items()}
    of_process = TrainerRoles(roles, leases, "champion", stop=stop, status=TrainerStatus(), metrics=metrics)
    held = of_process.take()
    assert held is not None
    role_end = RoleEnd(held, of_process, tmp_path, metrics)
    asked = [PromotionRequest("promote", "g2", 5.0)]
    for garbage in GARBAGE:
        (tmp_path / name).write_bytes(garbage)
        assert role_end.settle(asked) == asked, "it waits until it can be decided"
        assert not role_end.is_over, garbage[:10]
        assert role_end.promotion is None
    of_process.give_up(held)
    (tmp_path / name).unlink()
    set_current(tmp_path, "g2")
    role_end.settle([])
    assert role_end.is_over
