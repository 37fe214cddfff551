"""Lists from a Parquet file into the document store, and what is wrong with a file."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from streamrec.adapters.opening import open_store, open_trainer_store
from streamrec.cli.lists.publishing import publish_lists, published_batches, withdraw_lists
from streamrec.datasets.list_files import iter_lists
from streamrec.domain.items.batch_lists import Batch, ListedItem
from streamrec.errors import InvalidDataset, InvalidInput
from streamrec.ports import Mark
from tests.command_line import run

Row = tuple[Any, Any, Any, Any]

ROWS: list[Row] = [
    ("ü/1", 2, "b", 0.5),
    ("ü/1", 1, "a", 0.75),
    ("v", 1, "b", 3.0),
]


def written(path: Path, rows: list[Row], columns: str = "user_id rank item_id score") -> Path:
    names = columns.split()
    table = {name: [row[n] for row in rows] for n, name in enumerate(names)}
    pyarrow.parquet.write_table(pyarrow.table(table), path)
    return path


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


def list_of(store_url: str, user_id: str, name: str = "als") -> list[ListedItem] | None:
    async def get() -> list[ListedItem] | None:
        store = open_store(store_url)
        batch = next(batch for batch in await store.get_batches() if batch.name == name)
        found = await store.get_batch_list(batch, user_id)
        await store.aclose()
        return found

    return asyncio.run(get())


def silent(done: int, total: int | None = None) -> None:
    return


def test_lists_are_published_by_rank_and_replace_those_before(tmp_path: Path, store_url: str) -> None:
    file = written(tmp_path / "als.parquet", ROWS)
    assert publish_lists(store_url, file, "als", silent) == (2, 0)
    assert list_of(store_url, "ü/1") == [ListedItem("a", 0.75), ListedItem("b", 0.5)]
    (first,) = published_batches(store_url)
    assert (first.name, first.n_lists, len(first.source)) == ("als", 2, 64)
    publish_lists(store_url, written(file, ROWS[2:]), "als", silent)
    assert list_of(store_url, "ü/1") is None
    assert list_of(store_url, "v") == [ListedItem("b", 3.0)]
    (second,) = published_batches(store_url)
    assert second.version > first.version


def test_who_was_erased_is_left_out_and_counted(tmp_path: Path, store_url: str) -> None:
    async def erase() -> None:
        store = open_store(store_url)
        await store.note_erasure("v", Mark("log", {0: 7}), time.time())
        await store.aclose()

    asyncio.run(erase())
    file = written(tmp_path / "als.parquet", ROWS)
    assert publish_lists(store_url, file, "als", silent) == (1, 1)
    assert list_of(store_url, "v") is None
    assert list_of(store_url, "ü/1") is not None
    trainer = open_trainer_store(store_url)
    assert len(trainer.read_erasures()) == 1
    trainer.close()


def test_a_file_that_fails_half_way_leaves_what_is_published(tmp_path: Path, store_url: str) -> None:
    publish_lists(store_url, written(tmp_path / "good.parquet", ROWS), "als", silent)
    before = published_batches(store_url)
    rows: list[Row] = [(f"u{n:05}", 1, "x", 1.0) for n in range(1500)]
    bad = written(tmp_path / "bad.parquet", [*rows, ("z", 1, "x", float("nan"))])
    with pytest.raises(InvalidDataset, match=r"bad\.parquet, row 1501: score 'nan'"):
        publish_lists(store_url, bad, "als", silent)
    assert published_batches(store_url) == before
    assert list_of(store_url, "v") == [ListedItem("b", 3.0)]
    publish_lists(store_url, written(tmp_path / "good.parquet", ROWS), "als", silent)
    assert list_of(store_url, "u00001") is None


def test_withdrawn_lists_are_gone(tmp_path: Path, store_url: str) -> None:
    publish_lists(store_url, written(tmp_path / "als.parquet", ROWS), "als", silent)
    assert withdraw_lists(store_url, "als")
    assert not withdraw_lists(store_url, "als")
    assert published_batches(store_url) == []


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("u", 1, "a", 1.0), ("v", 1, "a", 1.0), ("u", 2, "b", 1.0)], "row 3: rows of user 'u' stand apart"),
        ([("u", 1, "a", 1.0), ("u", 1, "b", 1.0)], "row 2: user 'u' has two items of rank 1"),
        ([("u", 1, "a", 1.0), (None, 1, "b", 1.0)], "row 2: user_id 'None' is no text"),
        ([("u", 1, "", 1.0)], "row 1: item_id '' is no text"),
        ([("u", 1, "x" * 257, 1.0)], "row 1: item_id"),
        ([(7, 1, "a", 1.0)], "row 1: user_id '7' is no text"),
        ([("u", 1.5, "a", 1.0)], "row 1: rank '1.5' is no whole number"),
        ([("u", 1, "a", float("inf"))], "row 1: score 'inf'"),
        ([("u", n, f"i{n}", 1.0) for n in range(1001)], "row 1001: user 'u' has more than 1,000 items"),
    ],
)
def test_rows_that_do_not_fit_are_named(tmp_path: Path, rows: list[Row], told: str) -> None:
    with pytest.raises(InvalidDataset, match=told):
        list(iter_lists(written(tmp_path / "lists.parquet", rows)))


def test_an_item_that_stands_twice_has_its_better_place(tmp_path: Path) -> None:
    file = written(tmp_path / "lists.parquet", [("u", 1, "a", 3.0), ("u", 2, "b", 2.0), ("u", 3, "a", 1.0)])
    assert list(iter_lists(file)) == [("u", [ListedItem("a", 3.0), ListedItem("b", 2.0)])]


def test_files_that_are_none(tmp_path: Path, store_url: str) -> None:
    torn = written(tmp_path / "torn.parquet", ROWS)
    torn.write_bytes(torn.read_bytes()[:-20])
    with pytest.raises(InvalidDataset, match=r"torn\.parquet can't be read"):
        list(iter_lists(torn))
    text = tmp_path / "lists.csv"
    text.write_text("user_id,rank,item_id,score\n")
    with pytest.raises(InvalidDataset, match="is no Parquet file"):
        list(iter_lists(text))
    with pytest.raises(InvalidDataset, match="has no column score; wanted user_id, rank, item_id, score"):
        list(iter_lists(written(tmp_path / "short.parquet", ROWS, "user_id rank item_id")))
    with pytest.raises(InvalidInput, match="holds no list"):
        publish_lists(store_url, written(tmp_path / "empty.parquet", []), "als", silent)
    with pytest.raises(InvalidInput, match="there is no file"):
        publish_lists(store_url, tmp_path / "nothing.parquet", "als", silent)
    assert published_batches(store_url) == []


@pytest.mark.parametrize("name", ["", "Als", "a b", "a/b", "x" * 65, "-a", "ü"])
def test_names_that_can_not_be(tmp_path: Path, store_url: str, name: str) -> None:
    with pytest.raises(InvalidInput, match="can't name lists"):
        publish_lists(store_url, written(tmp_path / "als.parquet", ROWS), name, silent)


def test_the_commands_show_what_they_did(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STREAMREC_STORE_URL", store_url)
    file = written(tmp_path / "als.parquet", ROWS)

    def told(*arguments: str, code: int = 0) -> str:
        assert run("lists", *arguments) == code
        captured = capsys.readouterr()
        return captured.out + captured.err

    assert "nothing is published" in told("show")
    assert "2 lists are published as als" in told("publish", "als", str(file))
    assert "als" in told("show")
    assert "the lists als are withdrawn" in told("withdraw", "als")
    assert "there are no lists 'als'; published: nothing" in told("withdraw", "als", code=2)


def test_a_batch_says_where_it_came_from(tmp_path: Path, store_url: str) -> None:
    file = written(tmp_path / "als.parquet", ROWS)
    publish_lists(store_url, file, "als", silent)
    (batch,) = published_batches(store_url)
    assert isinstance(batch, Batch)
    assert abs(batch.published_at - time.time()) < 600
