import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from streamrec.datasets.files.event_files import EventFile, iter_events, read_events
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.reading import Reading
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import InvalidDataset

MAPPING = {
    "user_id": "uuid",
    "item_id": "sourceprodid",
    "timestamp": "clicked_epoch",
    "type": "userevent",
    "value": "price",
}
ROWS = [
    {"uuid": "ann", "sourceprodid": "a/1", "clicked_epoch": 300.5, "userevent": "buy", "price": 9.5},
    {"uuid": "bob", "sourceprodid": "ü 2", "clicked_epoch": 100.0, "userevent": "view"},
    {"uuid": "cem", "sourceprodid": "a,3", "clicked_epoch": 300.5, "userevent": "view", "price": 0.0},
]
IN_ORDER_OF_TIME = [
    ("bob", "ü 2", 100.0, "view", None),
    ("ann", "a/1", 300.5, "buy", 9.5),
    ("cem", "a,3", 300.5, "view", 0.0),
]


def csv_text(delimiter: str = ",") -> str:
    columns = list(ROWS[0])
    lines = [delimiter.join(columns)]
    for row in ROWS:
        fields = [str(row.get(column, "")) for column in columns]
        lines.append(delimiter.join(f'"{field}"' if delimiter in field else field for field in fields))
    return "\n".join(lines) + "\n"


def write_csv(folder: Path) -> EventFile:
    (folder / "clicks.csv").write_text(csv_text(), "utf-8")
    return EventFile(folder / "clicks.csv", Reading(MAPPING))


def write_csv_with_mark_and_crlf(folder: Path) -> EventFile:
    text = "\ufeff" + csv_text().replace("\n", "\r\n")
    (folder / "clicks.csv").write_bytes(text.encode())
    return EventFile(folder / "clicks.csv", Reading(MAPPING))


def write_piped_gzip(folder: Path) -> EventFile:
    (folder / "clicks.csv.gz").write_bytes(gzip.compress(csv_text("|").encode()))
    return EventFile(folder / "clicks.csv.gz", Reading(MAPPING, delimiter="|"))


def write_tsv(folder: Path) -> EventFile:
    (folder / "clicks.tsv").write_text(csv_text("\t"), "utf-8")
    return EventFile(folder / "clicks.tsv", Reading(MAPPING))


def write_json_lines(folder: Path) -> EventFile:
    text = "\n".join(json.dumps(row) for row in ROWS)  # no newline at the end
    (folder / "clicks.jsonl").write_text(text, "utf-8")
    return EventFile(folder / "clicks.jsonl", Reading(MAPPING))


def write_json_lines_gzip(folder: Path) -> EventFile:
    text = "".join(json.dumps(row) + "\n" for row in ROWS)
    (folder / "clicks.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    return EventFile(folder / "clicks.ndjson.gz", Reading(MAPPING))


def write_parquet(folder: Path) -> EventFile:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), folder / "clicks.parquet")
    return EventFile(folder / "clicks.parquet", Reading(MAPPING))


@pytest.mark.parametrize(
    "write",
    [
        write_csv,
        write_csv_with_mark_and_crlf,
        write_piped_gzip,
        write_tsv,
        write_json_lines,
        write_json_lines_gzip,
        write_parquet,
    ],
)
def test_every_format_gives_the_same_events_in_order_of_time(
    write: Callable[[Path], EventFile], tmp_path: Path
) -> None:
    events = read_events(write(tmp_path))
    found = [(e.user_id, e.item_id, e.timestamp, e.type, e.value) for e in events]
    assert found == IN_ORDER_OF_TIME
    assert len({e.event_id for e in events}) == 3
    assert events.report.n_read == 3
    assert events.report.n_rejected == 0


def test_ids_made_up_are_the_same_at_every_reading_and_differ_between_files(tmp_path: Path) -> None:
    file = write_csv(tmp_path)
    first = [event.event_id for event in read_events(file)]
    assert first == [event.event_id for event in read_events(file)]
    other = tmp_path / "other"
    other.mkdir()
    (other / "clicks.csv").write_text(csv_text().replace("ann", "eve"), "utf-8")
    assert not set(first) & {
        e.event_id for e in read_events(EventFile(other / "clicks.csv", Reading(MAPPING)))
    }


def test_ids_that_the_file_brings_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("user_id,item_id,timestamp,event_id\nu,i,2,second\nu,j,1,first\nu,k,3,\n")
    *given, made_up = [event.event_id for event in read_events(EventFile(path))]
    assert given == ["first", "second"]
    assert made_up is not None
    assert made_up.startswith("events-")


def test_rows_that_do_not_fit_are_left_out_and_reported_with_line_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(
        b"user_id,item_id,timestamp,value\n"
        b"u1,i1,1,5\n"
        b"u1,i1\n"  # line 3
        b",i1,1,5\n"
        b"u1,i1,yesterday,5\n"
        b"u1,i1,1700000000000,5\n"
        b"u1,i1,1,much\n"
        b"\xff\xfe,i1,1,5\n"  # line 8
        b"u1,i1,,5\n"
        b"\n"  # line 10, not a row
        b'u1,"two\nlines",2,5\n'  # lines 11 and 12
        b"u1," + b"i" * 300 + b",1,5\n"
        b"u1," + b"i" * 200_000 + b",1,5\n"
        b"u1," + b"i" * 2_500_000 + b",1,5\n"
        b"u9,i9,9,5\n"
    )
    events = read_events(EventFile(path))
    assert [(e.user_id, e.item_id) for e in events] == [("u1", "i1"), ("u9", "i9")]
    assert [(row.line, row.reason) for row in events.report.examples] == [
        (3, "wrong_columns"),
        (4, "does_not_fit"),
        (5, "bad_timestamp"),
        (6, "bad_timestamp"),
        (7, "bad_value"),
        (8, "not_utf8"),
        (9, "no_timestamp"),
        (11, "line_break"),
        (13, "does_not_fit"),
        (14, "does_not_fit"),
        (15, "line_too_long"),
    ]
    assert events.report.n_read == 13


def test_json_lines_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(
        b'{"user_id": 7, "item_id": "i", "timestamp": 1}\n'
        b"{broken\n"
        b"[1, 2]\n"
        b'{"user_id": true, "item_id": "i", "timestamp": 1}\n'
        b'{"user_id": "\xff", "item_id": "i", "timestamp": 1}\n'
        b'{"user_id": "u", "item_id": null, "timestamp": 1}\n' + b'{"user_id": "' + b"u" * 2_100_000 + b'"}\n'
        b"\n"
        b'{"user_id": "u", "item_id": "j", "timestamp": "2024-01-01T00:00:00Z"}\n'
    )
    events = read_events(EventFile(path))
    assert [(e.user_id, e.item_id, e.timestamp) for e in events] == [("7", "i", 1), ("u", "j", 1704067200.0)]
    assert [(row.line, row.reason) for row in events.report.examples] == [
        (2, "not_json"),
        (3, "does_not_fit"),
        (4, "does_not_fit"),
        (5, "not_json"),
        (6, "does_not_fit"),
        (7, "line_too_long"),
    ]


def test_examples_are_few_and_counts_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("user_id,item_id,timestamp\nu,i,1\n" + "u,i,never\n" * 500)
    report = read_events(EventFile(path)).report
    assert report.reasons == report.lines == {"bad_timestamp": 500}
    assert len(report.examples) == ReadReport.MAX_EXAMPLES


def test_parquet_times_and_numbers_of_every_kind(tmp_path: Path) -> None:
    moment = datetime(2024, 1, 1, 12, tzinfo=UTC)
    types = [pyarrow.timestamp(unit) for unit in ("s", "ms", "us", "ns")]
    types += [pyarrow.timestamp("ms", tz="Europe/Istanbul"), pyarrow.date32(), pyarrow.int64()]
    for number, type_ in enumerate(types):
        value: object = moment
        if type_ == pyarrow.date32():
            value = date(2024, 1, 1)
        elif type_ == pyarrow.int64():
            value = int(moment.timestamp())
        table = pyarrow.table(
            {
                "user_id": pyarrow.array([1], pyarrow.int64()),
                "item_id": pyarrow.array(["i"]).dictionary_encode(),
                "timestamp": pyarrow.array([value], type_),
                "value": pyarrow.array([Decimal("2.50")]),
            }
        )
        pyarrow.parquet.write_table(table, tmp_path / f"{number}.parquet")
        wanted = moment.replace(hour=0) if type_ == pyarrow.date32() else moment
        (event,) = read_events(EventFile(tmp_path / f"{number}.parquet"))
        assert event == Interaction("1", "i", wanted.timestamp(), value=2.5, event_id=event.event_id), type_


def test_strict_reading_ends_at_the_first_row_that_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("user_id,item_id,timestamp\nu,i,1\nu,i,never\n")
    with pytest.raises(InvalidDataset, match=r"line 3: .*'never'.*bad_timestamp"):
        read_events(EventFile(path, is_strict=True))


def test_a_column_that_is_not_there_is_named_with_those_that_are_and_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "clicks.csv"
    path.write_text(csv_text())
    with pytest.raises(InvalidDataset) as caught:
        read_events(EventFile(path, Reading({"value": "prise"})))
    message = str(caught.value)
    assert "no column 'prise'" in message
    assert "uuid, sourceprodid, clicked_epoch, userevent, price" in message
    assert "user_id=uuid,item_id=sourceprodid,timestamp=clicked_epoch" in message


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.csv", None, "there is no file"),
        ("events.xlsx", b"PK\x03\x04x", "save the sheet as CSV"),
        ("empty.csv", b"", "empty"),
        ("empty.jsonl", b"\n\n", "no JSON object"),
        ("only_header.csv", b"user_id,item_id,timestamp\n", "no rows"),
        ("all_bad.csv", b"user_id,item_id,timestamp\nu,i,x\n", "line 2: timestamp 'x'"),
        ("broken.parquet", b"PAR1 and then nothing", "broken.parquet"),
        ("cut.csv.gz", gzip.compress(b"user_id,item_id,timestamp\n" + b"u,i,1\n" * 9999)[:-30], "incomplete"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole(
    name: str, content: bytes | None, words: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidDataset, match=words):
        read_events(EventFile(tmp_path / name))


def test_other_mistakes_of_the_caller(tmp_path: Path) -> None:
    path = write_csv(tmp_path).path
    with pytest.raises(InvalidDataset, match="price: an event has no such field"):
        read_events(EventFile(path, Reading({"price": "price"})))
    with pytest.raises(InvalidDataset, match="one character"):
        read_events(EventFile(path, Reading(MAPPING, delimiter="ab")))
    with pytest.raises(InvalidDataset, match="can't be read"):
        read_events(EventFile(path / "below.csv", Reading(MAPPING)))


def test_iter_events_keeps_the_files_order_and_reads_no_further_than_asked(tmp_path: Path) -> None:
    path = tmp_path / "events.csv.gz"
    text = "user_id,item_id,timestamp\n" + "".join(f"u,i{n},{9_000_000 - n}\n" for n in range(200_000))
    path.write_bytes(gzip.compress(text.encode(), 1)[:-100])  # damaged, but only at its end
    report = ReadReport()
    rows = iter_events(EventFile(path), report)
    assert [(line, event.item_id) for line, event in (next(rows), next(rows))] == [(2, "i0"), (3, "i1")]
    assert report.n_read == 2


def test_progress_ends_at_the_number_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("user_id,item_id,timestamp\n" + "u,i,1\n" * 25_000)
    told: list[int] = []
    read_events(EventFile(path), told.append)
    assert told == [10_000, 20_000, 25_000]
