"""Values as exports write them: amounts of money, lists as texts, numbers as titles, ids as floats."""

import json
import os
import threading
from pathlib import Path

import pytest

from streamrec.cli.files.standard_input import named
from streamrec.datasets.detection.looking import find_out
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.event_files import EventFile, read_events
from streamrec.datasets.files.item_files import iter_items
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.reading import Reading
from streamrec.datasets.user_files import iter_user_rows
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidDataset

HEADER = "user_id,item_id,timestamp,value\n"


def events_of(path: Path, content: str, **how: str) -> EventSet:
    path.write_text(content)
    return read_events(EventFile(path, Reading(**how)))  # type: ignore[arg-type]


def items_of(path: Path, *objects: dict[str, object]) -> tuple[list[Item], ReadReport]:
    path.write_text("".join(json.dumps(one) + "\n" for one in objects))
    report = ReadReport()
    return list(iter_items(path, report=report)), report


def test_amounts_of_money_are_values(tmp_path: Path) -> None:
    written = ["$5.50", '"1,100.50"', "5 EUR", "1\u00a0100.50", "CHF 1'200.00", "95%", "7"]
    text = HEADER + "".join(f"a,b,{n},{amount}\n" for n, amount in enumerate(written))
    values = [event.value for event in events_of(tmp_path / "f.csv", text)]
    assert values == [5.5, 1100.5, 5.0, 1100.5, 1200.0, 95.0, 7.0]


def test_what_may_be_thousands_or_decimals_is_left_out(tmp_path: Path) -> None:
    events = events_of(tmp_path / "f.csv", HEADER + 'a,b,1,5\na,b,2,"1,234"\na,b,3,5 6\n')
    assert [event.value for event in events] == [5.0]
    assert dict(events.report.reasons) == {"bad_value": 2}


def test_a_column_named_value_that_holds_no_numbers_is_not_read(tmp_path: Path) -> None:
    for value, name in (("blue", "f.csv"), ("true", "f.csv")):
        events = events_of(tmp_path / name, HEADER + f"a,b,1,{value}\na,b,2,{value}\n")
        assert [event.value for event in events] == [None, None]
        assert events.report.summary()[0].startswith(
            "value, which is no number in the first rows, is not read: rows 2"
        )
    told = events_of(tmp_path / "f.jsonl", '{"user_id":"a","item_id":"b","timestamp":1,"value":true}\n')
    assert told[0].value is None
    path = tmp_path / "g.csv"
    path.write_text(HEADER + "a,b,1,blue\n")
    with pytest.raises(InvalidDataset, match="'blue' is not a number"):  # who names it wants it
        read_events(EventFile(path, Reading({"value": "value"})))


def test_baskets_are_told_and_not_learned_silently(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(
        "user_id,item_id,timestamp\n"
        + "".join(f'u{n % 7},"i{n},j{n % 5}",{n + 1_700_000_000}\n' for n in range(40))
    )
    (finding,) = find_out([path], Reading())
    assert "look like several" in finding.doubts[0]
    events = events_of(path, 'user_id,item_id,timestamp\na,"[1, 2]",1\n')
    assert "looks like a list" in events.report.summary()[0]


def test_titles_and_categories_of_items(tmp_path: Path) -> None:
    items, report = items_of(
        tmp_path / "i.jsonl",
        {"item_id": 1, "title": 2012, "text": ["a", "b"], "kind": 3, "categories": [["Books"], [7]]},
        {"item_id": 2, "categories": [{"id": 16, "name": "Animation"}], "is_hidden": "yes"},
        {"item_id": 3, "categories": "['Drama', 'Crime']", "attributes": '{"a": 1}', "is_hidden": 0.0},
        {"item_id": 4, "title": {"en": "x"}},
    )
    assert [(item.title, item.text, item.kind, item.categories) for item in items] == [
        ("2012", "a\nb", "3", ("Books", "7")),
        (None, None, None, ("Animation",)),
        (None, None, None, ("Drama", "Crime")),
    ]
    assert [item.is_hidden for item in items] == [False, True, False]
    assert items[2].attributes == {"a": 1}
    assert dict(report.reasons) == {"does_not_fit": 1}


def test_markers_and_lists_of_items_in_csv(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text('item_id,categories,hidden\n1,"[""Drama"",""Crime""]",NULL\n2,[],TRUE\n3,a|b,\n')
    items = list(iter_items(path))
    assert [(item.categories, item.is_hidden) for item in items] == [
        (("Drama", "Crime"), False),
        ((), True),
        (("a", "b"), False),
    ]


def test_numbers_that_are_none_are_no_attributes(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl"
    path.write_text('{"item_id":1,"price":NaN}\n')
    (item,) = iter_items(path)
    assert item.attributes.get("price") is None


def test_users_whose_ids_were_floats_and_files_that_are_no_users(tmp_path: Path) -> None:
    path, report = tmp_path / "u.csv", ReadReport()
    path.write_text("user_id,age\n1.0,30.0\n2,31\n")
    assert [row.user_id for row in iter_user_rows(path, Reading(), report)] == ["1", "2"]
    assert "whole floats as user_id" in report.summary()[0]
    for text, words in [
        ("user_id;age\n1;3\n", "--delimiter ';'"),
        ("user_id,user_id\n1,2\n", "2 columns named"),
    ]:
        path.write_text(text)
        with pytest.raises(InvalidDataset, match=words):
            list(iter_user_rows(path, Reading(), report))


def test_columns_of_one_name_that_nobody_needs(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(
        "user_id,item_id,timestamp,x,x\n" + "".join(f"u{n % 7},i{n % 5},{n},1,2\n" for n in range(40))
    )
    (finding,) = find_out([path], Reading())
    assert "several columns named x: passed over" in finding.notes


def test_a_pipe_is_copied_and_never_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "f.csv"
    os.mkfifo(pipe)
    with pytest.raises(InvalidDataset, match="is a pipe, which can be read but once"):
        read_events(EventFile(pipe, Reading()))
    writer = threading.Thread(target=pipe.write_text, args=[HEADER + "a,b,1,2\n"], daemon=True)
    writer.start()
    copy = named(pipe)
    writer.join(120)
    assert len(read_events(EventFile(copy, Reading()))) == 1
