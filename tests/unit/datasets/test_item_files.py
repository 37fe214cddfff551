from pathlib import Path

import pytest

from streamrec.datasets.item_files import iter_items, write_items
from streamrec.domain.item import Item
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
    assert list(iter_items(path, {"item_id": "movie", "categories": "genres"})) == [
        Item("7", title="Seven", categories=("Crime", "Drama"), attributes={"year": "1995"}),
        Item("8", title="Eight"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"id": "a"}\n', "no column 'item_id'; its columns are: id"),
        ('{"item_id": "a"}\n{"item_id": "b", "title": 5}\n', "line 2: .*title"),
        ('{"item_id": "a"}\nnonsense\n', "line 2"),
        ('{"item_id": "a"}\n{"title": "b"}\n', "line 2: .*item_id"),
    ],
)
def test_what_does_not_fit_is_named(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidDataset, match=words):
        list(iter_items(path))
