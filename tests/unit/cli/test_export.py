"""Users, items and events are exported whole, whatever their ids; a file is whole or not there."""

import asyncio
from pathlib import Path

import pyarrow.parquet
import pytest

from streamrec.adapters.opening import open_store
from streamrec.cli.retraining.joined_history import history_of_stream
from streamrec.cli.training.initial import train
from streamrec.datasets.open_dataset import open_dataset
from streamrec.domain.items.item import Item
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LocationSettings
from tests.command_line import run
from tests.erasure_system import ErasureSystem

ODD = ['"', "a/b\\", "<script>", "\u2028\U0001f9e6", "x" * 256, "-"]
CROWD = [(f"v{n % 12}", f"i{n % 7}") for n in range(120)] + [(id_, "i1") for id_ in ODD]


async def put_items(url: str, items: list[Item]) -> None:
    store = open_store(url)
    await store.put_items(items)
    await store.put_attributes("only attributes", {"country": "NZ"})
    await store.aclose()


def rows_of(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pyarrow.parquet.read_table(path).to_pylist()
    return rows


def test_all_is_there_and_none_of_the_erased(own_system: ErasureSystem) -> None:
    folder = own_system.folder / "export"
    own_system.send(*CROWD)
    asyncio.run(
        put_items(own_system.store_url, [Item(id_, title=id_, attributes={"of": id_}) for id_ in ODD])
    )
    train(history_of_stream(LocationSettings()), FitOptions(max_epochs=1), None)
    own_system.erase("v1")
    assert run("export", str(folder), "--what", "users,items,events") == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "events.parquet", "items.parquet", "users.parquet",
    ]  # fmt: skip
    users = {row["user_id"]: row for row in rows_of(folder / "users.parquet")}
    assert users.keys() == {user for user, _ in CROWD} - {"v1"} | {"only attributes"}
    assert users["only attributes"]["attributes"] == '{"country":"NZ"}'
    assert (users["-"]["n_events"], users["-"]["recent"]) == (1, ["i1"])
    assert len(pyarrow.parquet.read_table(folder / "users.parquet")["vector"][0]) == 9
    assert {row["item_id"]: row["title"] for row in rows_of(folder / "items.parquet")} == {
        id_: id_ for id_ in ODD
    }
    events = open_dataset(folder / "events.parquet")
    assert [(event.user_id, event.item_id) for event in events] == [pair for pair in CROWD if pair[0] != "v1"]


def test_nothing_is_exported_as_empty_tables_and_what_fails_leaves_what_was(
    own_system: ErasureSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = own_system.folder / "export"
    assert run("export", str(folder), "--what", "users,items,events") == 0
    assert rows_of(folder / "users.parquet") == rows_of(folder / "items.parquet") == []
    own_system.send(*CROWD)
    train(history_of_stream(LocationSettings()), FitOptions(max_epochs=1), None)
    (folder / "lists.parquet").write_bytes(b"those of yesterday")
    assert run("export", str(folder), "--what", "lists", "--url", "http://127.0.0.1:9") == 2
    assert "127.0.0.1:9 does not answer" in capsys.readouterr().err
    assert (folder / "lists.parquet").read_bytes() == b"those of yesterday"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    assert run("export", str(folder), "--what", "lists,passwords") == 2
    assert run("export", str(folder / "lists.parquet"), "--what", "users") == 2
