"""The search for an erased user: nothing is left, or it is said; and it is said what goes when."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.adapters.opening import open_cache, open_store
from streamrec.cli.retraining.joined_history import history_of_stream
from streamrec.cli.training.initial import train
from streamrec.cli.user_data.proof import prove_erased
from streamrec.domain.items.item import Item
from streamrec.domain.users.steps import Step
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LocationSettings
from tests.erasure_system import ErasureSystem

WHO = "who-goes-away"
CROWD = [(f"v{n % 12}", f"i{n % 7}") for n in range(120)]


@pytest.fixture
def system(own_system: ErasureSystem, monkeypatch: pytest.MonkeyPatch) -> ErasureSystem:
    monkeypatch.setenv("STREAMREC_INDEX_URL", "inproc:")
    own_system.send(*CROWD, (WHO, "i1"))
    train(history_of_stream(LocationSettings()), FitOptions(max_epochs=1), None)
    own_system.generation = (own_system.folder / "CURRENT").read_text().strip()
    own_system.send((WHO, "i2"))
    own_system.start()
    own_system.catch_up()
    return own_system


async def tell_cache_and_store(system: ErasureSystem) -> None:
    store, cache = open_store(system.store_url), open_cache(LocationSettings().cache_url)
    await store.put_attributes(WHO, {"country": "NZ"})
    await cache.add_steps({WHO: [Step(time.time(), ("i1",))], "v1": [Step(time.time(), ("i1",))]})
    await store.aclose()
    await cache.aclose()


async def forget_steps() -> None:
    cache = open_cache(LocationSettings().cache_url)
    await cache.forget_steps(WHO)
    await cache.aclose()


def proven(capsys: pytest.CaptureFixture[str], who: str = WHO, wait_s: float = 0.0) -> tuple[bool, str]:
    capsys.readouterr()
    is_proven = prove_erased(who, LocationSettings(), wait_s, vacuum=True)
    return is_proven, capsys.readouterr().out


def erased_and_forgotten(system: ErasureSystem) -> None:
    system.erase(WHO)
    asyncio.run(forget_steps())
    system.catch_up()
    system.stop()


def bytes_of(path: Path) -> bytes:
    beside = path.with_name(path.name + "-wal")
    return path.read_bytes() + (beside.read_bytes() if beside.exists() else b"")


def test_nothing_is_left_of_who_was_erased(system: ErasureSystem, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(tell_cache_and_store(system))
    assert WHO.encode() in bytes_of(system.folder / "store.db")
    erased_and_forgotten(system)
    is_proven, said = proven(capsys)
    assert is_proven, said
    assert "nothing is left that should be gone" in said
    assert "interactions: 3 found; of events from before" in said
    assert f"{system.generation}: 1 found; goes when the next generation" in said
    assert WHO.encode() not in bytes_of(system.folder / "store.db")
    assert bytes_of(system.folder / "cache.db").count(WHO.encode()) == 1, "the mark"


def test_a_trainer_that_has_not_read_the_erasure_is_told_of(
    system: ErasureSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    system.stop()
    system.erase(WHO)
    is_proven, said = proven(capsys)
    assert not is_proven
    assert "LEFT  trainer has not forgotten" in said


@pytest.mark.parametrize(
    ("file", "statement"),
    [
        ("store.db", "INSERT INTO users (user_id, attributes) VALUES ('who-goes-away', '{}')"),
        ("store.db", "INSERT INTO seen VALUES ('who-goes-away', 5.0, 'i1')"),
        (
            "store.db",
            "INSERT INTO experiments (id, version, document) VALUES ('x', 1, '[\"who-goes-away\"]')",
        ),
        ("cache.db", "INSERT INTO steps VALUES ('who-goes-away', 5.0, '[]')"),
        ("cache.db", "INSERT INTO blend VALUES (5, '[\"who-goes-away\"]')"),
    ],
)
def test_whatever_is_left_in_any_table_is_found(
    system: ErasureSystem, capsys: pytest.CaptureFixture[str], file: str, statement: str
) -> None:
    erased_and_forgotten(system)
    with closing(sqlite3.connect(system.folder / file)) as connection, connection:
        connection.execute(statement)
    is_proven, said = proven(capsys)
    assert not is_proven
    assert "1 found; LEFT: should be gone" in said


def test_a_line_of_a_log_is_found_and_files_of_others_are_told(
    system: ErasureSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    erased_and_forgotten(system)
    (system.folder / "mine.csv").write_text(f"a,b\n{WHO},i1\n")
    (system.folder / "another.csv").write_text(f"{WHO}-2,i1\n")
    is_proven, said = proven(capsys)
    assert is_proven
    assert "mine.csv  : 1 found; yours to remove" in said
    assert "another.csv" not in said
    (system.folder / "trainer.log").write_text(f"user={WHO}\n")
    is_proven, said = proven(capsys)
    assert not is_proven


def test_who_came_back_is_held_anew(system: ErasureSystem, capsys: pytest.CaptureFixture[str]) -> None:
    system.erase(WHO)
    system.send((WHO, "i3"))
    system.catch_up()
    system.stop()
    is_proven, said = proven(capsys)
    assert is_proven
    assert "the user came back" in said


def test_a_user_whose_id_is_an_items_is_told_from_it(
    system: ErasureSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    async def put_item() -> None:
        store = open_store(system.store_url)
        await store.put_items([Item("i1")])
        await store.aclose()

    asyncio.run(put_item())
    system.send(("i1", "i1"), ("i1", "i2"))
    system.catch_up()
    system.erase("i1")
    system.catch_up()
    system.stop()
    is_proven, said = proven(capsys, "i1")
    assert is_proven, said
    assert "an item has the same id" in said
