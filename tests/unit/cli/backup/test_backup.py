"""Backups hold all there is and go back anywhere; half of one, or a changed one, is refused."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.adapters.copying import open_copies
from streamrec.adapters.opening import open_store
from streamrec.cli.backup.manifest import MANIFEST
from streamrec.cli.retraining.joined_history import history_of_stream
from streamrec.cli.training.initial import train
from streamrec.domain.items.item import Item
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LocationSettings
from tests.command_line import run
from tests.erasure_system import ErasureSystem

CROWD = [(f"v{n % 12}", f"i{n % 7}") for n in range(120)]


@pytest.fixture
def system(own_system: ErasureSystem) -> ErasureSystem:
    own_system.send(*CROWD)
    train(history_of_stream(LocationSettings()), FitOptions(max_epochs=1), None)
    own_system.generation = str((own_system.folder / "CURRENT").read_text().strip())
    own_system.send(("v1", "i5"), ("new", "i1"))
    own_system.start()
    own_system.catch_up()
    own_system.stop()
    own_system.send(("new", "i2"))  # behind the checkpoint
    return own_system


def elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let all settings lead to another place, where nothing is."""
    for name in ("EVENTS", "STORE", "CACHE", "CHANGELOG"):
        monkeypatch.setenv(f"STREAMREC_{name}_URL", f"sqlite:///{folder}/{name.lower()}.db")
    monkeypatch.setenv("STREAMREC_ARTIFACTS_DIR", str(folder))
    return folder


async def put_item(url: str) -> None:
    store = open_store(url)
    await store.put_items([Item("i1", title="one")])
    await store.put_attributes("v1", {"country": "NZ"})
    await store.aclose()


def test_a_restored_system_goes_on_at_another_place_as_the_first_would_have(
    system: ErasureSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(put_item(system.store_url))
    assert run("backup", str(tmp_path / "backup")) == 0
    folder = elsewhere(tmp_path / "other place", monkeypatch)
    assert run("restore", str(tmp_path / "backup")) == 0
    assert run("restore", str(tmp_path / "backup"), "--check") == 0
    restored = ErasureSystem(folder)
    restored.generation = system.generation
    learned = []
    for one in (system, restored):
        one.start()
        one.catch_up()
        learned.append(one.learned())
        published = one.published("v1", "new")
        assert published == {"v1": 11, "new": 2}
    restored.close()
    assert learned[0] == learned[1]
    assert learned[1]["new"] == 2


def test_who_is_erased_while_a_backup_is_made_stays_erased(
    system: ErasureSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(put_item(system.store_url))

    def opened(url: str) -> object:
        if url.endswith("events.db"):  # the store is copied by then
            system.erase("v1")
        return open_copies(url)

    monkeypatch.setattr("streamrec.cli.backup.backing_up.open_copies", opened)
    assert run("backup", str(tmp_path / "backup")) == 0
    folder = elsewhere(tmp_path / "other", monkeypatch)
    assert run("restore", str(tmp_path / "backup")) == 0
    restored = ErasureSystem(folder)
    restored.generation = system.generation
    restored.start()
    restored.catch_up()
    assert "v1" not in restored.learned()
    assert restored.published("v1") == {}
    with closing(sqlite3.connect(folder / "store.db")) as connection:
        assert connection.execute("SELECT count(*) FROM users WHERE user_id = 'v1'").fetchone() == (0,)
    restored.close()


def test_what_is_not_whole_is_refused_and_changes_nothing(
    system: ErasureSystem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    backup = tmp_path / "backup"
    assert run("backup", str(backup)) == 0
    folder = elsewhere(tmp_path / "other", monkeypatch)
    files = sorted(path for path in backup.rglob("*") if path.is_file())
    for path in files:
        content = path.read_bytes()
        for spoiled in (
            content[:-1],
            content[: len(content) // 2],
            None,
            content[:7] + b"\xff" + content[8:],
        ):
            if spoiled == content or (spoiled is not None and not content):
                continue
            if spoiled is None:
                path.unlink()
            else:
                path.write_bytes(spoiled)
            assert run("restore", str(backup)) == 2, path
            path.write_bytes(content)
        assert not folder.exists()
    assert "is not as it was written; take another backup" in capsys.readouterr().err
    assert run("restore", str(backup)) == 0
    assert (folder / "CURRENT").exists()
    assert run("restore", str(tmp_path / "nothing")) == 2


@pytest.mark.parametrize("name", ["store.db", "events.db"])
def test_a_sqlite_file_that_is_damaged_gets_into_no_backup(
    system: ErasureSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    system.close()
    path = tmp_path / name
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    for page in range(1, len(content) // page_size):  # the first tells what the file is
        content[page * page_size : page * page_size + 8] = b"\xff" * 8
    path.write_bytes(content)
    assert run("backup", str(tmp_path / "backup")) == 2
    assert name in capsys.readouterr().err
    assert not (tmp_path / "backup" / MANIFEST).exists()


def test_a_place_that_is_not_empty_is_left_alone_until_told(
    system: ErasureSystem, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = tmp_path / "backup"
    assert run("backup", str(backup)) == 0
    assert run("backup", str(backup)) == 2, "a backup replaces none"
    system.close()
    capsys.readouterr()
    before = (tmp_path / "store.db").read_bytes()
    assert run("restore", str(backup)) == 2
    said = capsys.readouterr().err
    assert "store.db is there already" in said
    assert "--overwrite" in said
    assert (tmp_path / "store.db").read_bytes() == before
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("DELETE FROM users")
        connection.commit()
    assert run("restore", str(backup), "--overwrite") == 0
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone()[0] >= 12


def test_other_services_and_newer_backups_are_refused_with_the_way_to_mend(
    system: ErasureSystem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    backup = tmp_path / "backup"
    assert run("backup", str(backup)) == 0
    elsewhere(tmp_path / "other", monkeypatch)
    monkeypatch.setenv("STREAMREC_STORE_URL", "mongodb://127.0.0.1:9/x")
    assert run("restore", str(backup)) == 2
    assert "store of mongo" in capsys.readouterr().err
    newer = tmp_path / "newer"
    shutil.copytree(backup, newer)
    manifest = (newer / MANIFEST).read_text()
    (newer / MANIFEST).write_text(
        manifest.replace('"format_version": 1', '"format_version": 2').replace(
            '"version": "', '"version": "9'
        )
    )
    assert run("restore", str(newer)) == 2
    assert "restore it with streamrec 9" in capsys.readouterr().err


def test_nothing_that_was_deleted_is_in_a_copy(system: ErasureSystem, tmp_path: Path) -> None:
    system.start()
    system.send(("who goes away", "i1"))
    system.catch_up()
    system.erase("who goes away")
    system.catch_up()
    system.stop()
    assert run("backup", str(tmp_path / "backup")) == 0
    assert b"who goes away" not in (tmp_path / "backup" / "store" / "data.db").read_bytes()
    assert b"who goes away" in (tmp_path / "backup" / "events" / "data.db").read_bytes()
