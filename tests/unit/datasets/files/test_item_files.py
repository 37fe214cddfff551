import re
from pathlib import Path

import pytest

from streamrec.datasets.files.item_files import iter_items, write_items
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.reading import Reading
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidDataset

ITEMS = [
    Item("a/1", "film", "Ünder", categories=("Drama", "War"), attributes={"year": 1999}),
    Item("b"),
]


def test_items_come_back_as_written(tmp_path: Path) -> None:
    assert write_items(tmp_path / "x.items.jsonl", ITEMS) == 2
    assert list(iter_items(tmp_path / "x.items.jsonl")) == ITEMS


def test_csv_with_a_mapping_keeps_other_columns_as_attributes(tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_text("movie,title,genres,year\n7,Seven,Crime|Drama,1995\n8,Eight,,\n")
    assert list(iter_items(path, Reading({"item_id": "movie", "categories": "genres"}))) == [
        Item("7", title="Seven", categories=("Crime", "Drama"), attributes={"year": 1995}),
        Item("8", title="Eight"),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"item_id": "b", "title": true}', "title"),
        ("nonsense", "malformed|invalid"),
        ('{"title": "b"}', "item_id"),
        ('{"item_id": true}', "bool"),
        ('{"item_id": null}', "item_id"),
        ('{"item_id": "\\\\N"}', "no value"),
        ('{"item_id": 9007199254740995.0}', "another number"),
        ('{"item_id": "b", "categories": [true]}', "categories"),
        ('{"item_id": "b", "attributes": 5, "more": 1}', "attributes"),
        ('{"item_id": "b", "more": ' + "[" * 64 + "]" * 64 + "}", "nested deeper than 64"),
    ],
)
def test_rows_that_do_not_fit_are_left_out_and_named(line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"item_id": "a"}\n' + line + '\n{"item_id": 7.0}\n')
    report = ReadReport()
    assert [item.item_id for item in iter_items(path, report=report)] == ["a", "7"]
    assert (report.n_read, report.n_rejected) == (3, 1)
    assert report.examples[0].line == 2
    assert re.search(words, report.examples[0].message)


def test_a_file_without_ids_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"id": "a"}\n')
    with pytest.raises(InvalidDataset, match="no column 'item_id'; its columns are: id"):
        list(iter_items(path))


def test_one_column_may_be_two_fields(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("sku,name\na,b\n")
    mapping = {"item_id": "sku", "title": "sku"}
    assert list(iter_items(path, Reading(mapping))) == [Item("a", title="a", attributes={"name": "b"})]


def test_markers_of_no_value_in_text(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("item_id,title,color\na,\\N,\\N\n")
    assert list(iter_items(path)) == [Item("a")]
