"""JSON as programs write it: arrays, objects over several lines, values within objects, of MongoDB."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from streamrec.datasets.detection.looking import find_out
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.event_files import EventFile, read_events
from streamrec.datasets.files.item_files import iter_items
from streamrec.datasets.files.objects.texts import json_values
from streamrec.datasets.files.plain_files import MAX_LINE
from streamrec.datasets.files.reading import Reading
from streamrec.errors import InvalidEvent

EVENTS = [{"user_id": f"u{n % 7}", "item_id": f'i"}}]\\{n % 5}', "timestamp": n} for n in range(30)]


def events_of(path: Path, content: str | bytes, mapping: dict[str, str] | None = None) -> EventSet:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_events(EventFile(path, Reading(mapping or {})))


WRITTEN: dict[str, Callable[[], str]] = {
    "array": lambda: json.dumps(EVENTS),
    "array over lines": lambda: json.dumps(EVENTS, indent=1),
    "array, an object a line": lambda: "[\n" + ",\n".join(map(json.dumps, EVENTS)) + "\n]\n",
    "objects over lines": lambda: "\n".join(json.dumps(event, indent=2) for event in EVENTS),
    "one behind the other": lambda: "".join(map(json.dumps, EVENTS)),
    "commas behind lines": lambda: ",\n".join(map(json.dumps, EVENTS)),
    "text sequence": lambda: "".join(f"\x1e{json.dumps(event)}\n" for event in EVENTS),
}


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("name", ["f.json", "f.jsonl", "f"])
def test_forms_of_json(form: str, name: str, tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        if name == "f" and encoding == "utf-16":
            continue  # what stands in it is told by its first bytes as they are
        events = events_of(tmp_path / name, WRITTEN[form]().encode(encoding))
        assert [event.item_id for event in events] == [event["item_id"] for event in EVENTS]
        assert not events.report.n_rejected


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_objects_are_found_wherever_a_chunk_ends(size: int) -> None:
    text = json.dumps([*EVENTS, {"a": {"b": ["\\", '"', "]"]}}]).encode()
    found = [text for _, _, text in json_values(text[at : at + size] for at in range(0, len(text), size))]
    assert [json.loads(text) for text in found if isinstance(text, bytes)] == json.loads(text)


def test_what_stands_between_objects_or_is_cut_is_counted() -> None:
    text = b'[{"a": 1}, 7, "b",\n{"c": 2}] x {"d": [1'
    found = list(json_values([text]))
    assert [(line, n) for line, n, _ in found] == [(1, 1), (1, 2), (2, 1), (2, 1), (2, 1)]
    assert [str(one) for _, _, one in found if isinstance(one, InvalidEvent)] == [
        "b'7, \"b\"' is no object",
        "b'x' is no object",
        "it ends within an object",
    ]


def test_an_object_that_is_too_large_is_left_out_unread() -> None:
    large = b'{"a": "' + b"x" * MAX_LINE + b'"}'
    found = [text for _, _, text in json_values([b"[", large, b',{"b": 1}]'])]
    assert isinstance(found[0], InvalidEvent)
    assert found[1:] == [b'{"b": 1}']


def test_values_within_objects(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    lines = [
        {"user": {"id": n % 7}, "items": [{"sku": f"s{n % 5}"}], "from": {"ip": "::1"}, "time": n}
        for n in range(30)
    ]
    lines.append({**lines[0], "items": [{"sku": "a"}, {"sku": "b"}]})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (finding,) = find_out([path], Reading())
    assert {field: role.column for field, role in finding.roles.items()} == {
        "user_id": "user.id",
        "item_id": "items.sku",
        "timestamp": "time",
    }
    events = read_events(EventFile(path, finding.reading))
    assert [(event.user_id, event.item_id) for event in events][:2] == [("0", "s0"), ("1", "s1")]
    assert dict(events.report.reasons) == {"several_items": 1}


def test_values_within_structs_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    moments = pa.array([1_700_000_000_000 + n for n in range(3)]).cast(pa.timestamp("ms", "UTC"))
    whole = pa.table(
        {
            "user": [{"id": 1}, {"id": 2}, None],
            "what": [{"item": {"sku": "a"}}] * 3,
            "meta": pa.StructArray.from_arrays([moments], ["at"]),
        }
    )
    pyarrow.parquet.write_table(whole, path)
    reading = Reading({"user_id": "user.id", "item_id": "what.item.sku", "timestamp": "meta.at"})
    events = read_events(EventFile(path, reading))
    assert [(event.user_id, event.item_id, event.timestamp) for event in events] == [
        ("1", "a", 1_700_000_000.0),
        ("2", "a", 1_700_000_000.001),
    ]
    assert events.report.n_rejected == 1


def test_what_mongoexport_writes(tmp_path: Path) -> None:
    lines = (
        '{"_id":{"$oid":"a"},"user_id":{"$numberLong":"5"},"item_id":"i","timestamp":{"$date":"2024-01-01T00:00:00Z"}}\n'
        '{"user_id":{"$oid":"b"},"item_id":"i","timestamp":{"$date":{"$numberLong":"1704067200500"}}}\n'
    )
    events = events_of(tmp_path / "f.json", lines)
    assert [(event.user_id, event.timestamp) for event in events] == [
        ("5", 1_704_067_200.0),
        ("b", 1_704_067_200.5),
    ]


def test_python_writes_numbers_that_are_none(tmp_path: Path) -> None:
    line = '{"user_id":"a","item_id":"b","timestamp":%s,"value":%s}\n'
    text = line % (1, "NaN") + line % (2, "1") + line % (3, "Infinity") + line % ("NaN", "1")
    events = events_of(tmp_path / "f.jsonl", text)
    assert [event.value for event in events] == [None, 1.0]
    assert [row.line for row in events.report.examples] == [3, 4]


def test_items_of_an_array_by_a_path(tmp_path: Path) -> None:
    path = tmp_path / "i.json"
    path.write_text('[{"product": {"sku": "a", "name": "Cup"}, "price": 5}]')
    (item,) = iter_items(path, Reading({"item_id": "product.sku", "title": "product.name"}))
    assert (item.item_id, item.title, item.attributes["price"]) == ("a", "Cup", 5)
