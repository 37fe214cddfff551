"""Particulars of the SQLite store: several processes, odd files, big users."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.adapters.opening import (
    open_cache,
    open_cache_publisher,
    open_event_sink,
    open_event_source,
    open_store,
    open_trainer_store,
)
from streamrec.adapters.sqlite.connection import BUSY_TIMEOUT_S
from streamrec.adapters.sqlite.store import SqliteStore
from streamrec.adapters.sqlite.store_schema import NEXT_ITEMS, open_store_file
from streamrec.adapters.sqlite.trainer_store import SqliteTrainerStore
from streamrec.domain.users.user import LabelUse, Profile, UserDocument, UserState
from streamrec.errors import ConfigurationError, LeaseLost, Unavailable
from streamrec.ports import COMMANDS, INTERACTIONS, UserUpdates

OPENINGS: dict[str, Callable[[str], object]] = {
    "store": open_store,
    "trainer's store": open_trainer_store,
    "cache": open_cache,
    "publisher's cache": open_cache_publisher,
    "sink": open_event_sink,
    "source": lambda url: open_event_source(url, [COMMANDS, INTERACTIONS], "g"),
}


@pytest.mark.parametrize("opened", OPENINGS.values(), ids=OPENINGS)
def test_a_file_is_opened_though_one_that_stands_holds_its_lock(
    opened: Callable[[str], object], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/file.db"
    kept = opened(url)
    with closing(sqlite3.connect(tmp_path / "file.db", isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        assert opened(url) is not kept


def test_the_lease_holds_between_two_openings_of_the_file(tmp_path: Path) -> None:
    one, two = (SqliteTrainerStore(tmp_path / "store.db") for _ in range(2))
    stale = one.acquire("trainer", "one", 10.0, 0.0)
    assert stale is not None
    assert two.acquire("trainer", "two", 10.0, 5.0) is None
    assert two.acquire("trainer", "two", 10.0, 10.0) is not None
    with pytest.raises(LeaseLost):
        one.publish_users(UserUpdates([UserState("u", "g", None)], []), stale)
    one.close()
    two.close()


async def test_writers_do_not_queue_up_behind_a_file_that_another_holds(tmp_path: Path) -> None:
    server = SqliteStore(tmp_path / "store.db")
    await server.put_attributes("u", {})
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        writes = (server.put_attributes("u", {"n": number}) for number in range(5))
        failures = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(failure) for failure in failures] == [Unavailable] * 5
    assert time.monotonic() - started < 3 * BUSY_TIMEOUT_S  # each in turn: five times
    await server.put_attributes("u", {"n": 5})
    await server.aclose()


async def test_reads_of_the_trainer_do_not_wait_for_its_writes(tmp_path: Path) -> None:
    server, trainer = SqliteStore(tmp_path / "store.db"), SqliteTrainerStore(tmp_path / "store.db")
    await server.put_attributes("u", {"a": 1})
    lease = trainer.acquire("trainer", "one", 10.0, 0.0)
    assert lease is not None
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        updates = UserUpdates([UserState("u", "g", None)], [])
        publication = asyncio.create_task(asyncio.to_thread(trainer.publish_users, updates, lease))
        await asyncio.sleep(0.1)  # it waits for the other by now, or will
        assert trainer.read_attributes(["u"]) == {"u": {"a": 1}}
        assert trainer.held("trainer") == lease
        assert not publication.done()
    await publication
    trainer.close()
    await server.aclose()


async def test_a_file_from_before_there_were_profiles_is_read_and_written(tmp_path: Path) -> None:
    older = sqlite3.connect(tmp_path / "store.db")
    older.execute(
        "CREATE TABLE users (user_id TEXT PRIMARY KEY NOT NULL, generation TEXT, vector BLOB, recent TEXT,"
        " disliked TEXT, n_events INTEGER, updated_at REAL, attributes TEXT) WITHOUT ROWID"
    )
    older.execute("""INSERT INTO users VALUES ('u', 'g', NULL, '["i"]', '[]', 3, 5.0, '{"a": 1}')""")
    older.commit()
    older.close()
    server, trainer = SqliteStore(tmp_path / "store.db"), SqliteTrainerStore(tmp_path / "store.db")
    state = UserState("u", "g", None, ("i",), (), 3, 5.0)
    assert await server.get_user("u") == UserDocument("u", state, {"a": 1})
    lease = trainer.acquire("trainer", "one", 10.0, 0.0)
    assert lease is not None
    newer = UserState("u", "g", None, ("i",), profile=Profile((LabelUse("war", 2),)), recent_at=(5,))
    trainer.publish_users(UserUpdates([newer], []), lease)
    assert await server.get_user("u") == UserDocument("u", newer, {"a": 1})
    trainer.close()
    await server.aclose()


async def test_the_newest_seen_are_read_from_an_index(tmp_path: Path) -> None:
    connection = open_store_file(tmp_path / "store.db")
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT item_id FROM seen WHERE user_id = 'u' ORDER BY seen_at DESC LIMIT 2000"
    ).fetchall()
    connection.close()
    assert len(plan) == 1  # no second step that sorts
    assert "PRIMARY KEY" in plan[0][3]


async def test_the_next_items_of_one_version_are_read_from_an_index(tmp_path: Path) -> None:
    connection = open_store_file(tmp_path / "store.db")
    plan = connection.execute("EXPLAIN QUERY PLAN " + NEXT_ITEMS, (1, b"a", 25)).fetchall()
    connection.close()
    assert [step[3] for step in plan] == ["SEARCH items USING INDEX items_versions ((version,item_id)>(?,?))"]


async def test_erasing_a_user_of_many_items_goes_in_several_transactions(tmp_path: Path) -> None:
    trainer = SqliteTrainerStore(tmp_path / "store.db")
    lease = trainer.acquire("trainer", "one", 10.0, 0.0)
    assert lease is not None
    seen = [("u", str(n), float(n)) for n in range(25_000)]
    trainer.publish_users(UserUpdates([UserState("u", "g", None)], seen), lease)
    server = SqliteStore(tmp_path / "store.db")
    assert await server.erase_user("u")
    assert await server.seen_items("u", 10) == []
    trainer.close()
    await server.aclose()


@pytest.mark.parametrize("open_", [open_store, open_trainer_store, open_cache, open_cache_publisher])
def test_a_bad_url_is_answered_with_what_is_allowed(open_: object, tmp_path: Path) -> None:
    assert callable(open_)
    with pytest.raises(ConfigurationError, match="sqlite:///file.db"):
        open_("cassandra://host")
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(ConfigurationError, match="move the file away"):
        open_(f"sqlite:///{junk}")
    (tmp_path / "nofolder").write_text("a file")
    with pytest.raises(Unavailable, match="nofolder"):
        open_(f"sqlite:///{tmp_path}/nofolder/store.db")
