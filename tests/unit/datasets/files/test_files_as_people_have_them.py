"""Files as exports, spreadsheets and clusters write them: what is read, and the words for the rest."""

import bz2
import gzip
import lzma
import uuid
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard

from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.event_files import EventFile, read_events
from streamrec.datasets.files.item_files import iter_items
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.reading import Reading
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidDataset

HEADER = "user_id,item_id,timestamp\n"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def events_of(
    content: str | bytes | pa.Table, name: str = "f.csv", mapping: dict[str, str] | None = None, **how: str
) -> EventSet:
    path = Path(name)
    if isinstance(content, pa.Table):
        pyarrow.parquet.write_table(content, path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_events(EventFile(path, Reading(mapping or {}, **how)))  # type: ignore[arg-type]


def pairs(events: EventSet) -> list[tuple[str, str]]:
    return [(event.user_id, event.item_id) for event in events]


def reasons(events: EventSet) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in events.report.examples]


def table(**columns: object) -> pa.Table:
    n = len(next(iter(columns.values())))  # type: ignore[arg-type]
    usual = {"user_id": ["a"] * n, "item_id": ["x"] * n, "timestamp": list(range(n))}
    return pa.table(usual | columns)


# Whole floats as ids.


def test_whole_floats_in_json_lines() -> None:
    events = events_of(
        '{"user_id":41.0,"item_id":7.0,"timestamp":1700000000}\n'
        '{"user_id":41,"item_id":8,"timestamp":1700000060,"event_id":7.0}\n'
        '{"user_id":9007199254740995.0,"item_id":7,"timestamp":1700000120}\n'
        '{"user_id":12345678901234567890123,"item_id":7,"timestamp":1700000180}\n',
        "f.jsonl",
    )
    assert pairs(events) == [("41", "7"), ("41", "8"), ("12345678901234567890123", "7")]
    assert events[1].event_id == "7"
    assert reasons(events) == [(3, "inexact_id")]


def test_whole_floats_in_parquet_and_a_null() -> None:
    events = events_of(table(user_id=[41.0, 41.0, None], item_id=[7, 8, 7]), "f.parquet")
    assert pairs(events) == [("41", "7"), ("41", "8")]
    assert reasons(events) == [(3, "does_not_fit")]


def test_decimals_in_parquet_keep_all_digits() -> None:
    big = Decimal(12345678901234567890123456789)
    columns = table(user_id=pa.array([big, Decimal(41)], pa.decimal128(38, 0)), value=[Decimal("2.5")] * 2)
    events = events_of(columns, "f.parquet")
    assert [event.user_id for event in events] == [str(big), "41"]
    assert events[0].value == 2.5


@pytest.mark.parametrize(("name", "delimiter"), [("f.csv", ","), ("f.tsv", "\t")])
def test_a_column_of_whole_floats_in_text(name: str, delimiter: str) -> None:
    text = "user_id,item_id,timestamp\n41.0,7,1\n41,8,2\n9007199254740995.0,7,3\n".replace(",", delimiter)
    events = events_of(text, name)
    assert pairs(events) == [("41", "7"), ("41", "8")]
    assert reasons(events) == [(4, "inexact_id")]
    assert any("whole floats as user_id" in line for line in events.report.summary())


def test_versions_are_no_floats() -> None:
    events = events_of(HEADER + "1.0,x,1\n1.1,x,2\nv2.0,x,3\n")
    assert [event.user_id for event in events] == ["1.0", "1.1", "v2.0"]


# Times.


DAYS = [1710028800.0, 1710115200.0, 1711929600.0]


def test_dates_as_numbers_of_a_whole_file_are_days() -> None:
    text = HEADER + "c1,p1,20240310\nc2,p1,20240311\nc1,p2,20240401\n"
    assert events_of(text).timestamps.tolist() == DAYS
    assert events_of(text.replace(",", "\t"), "f.tsv").timestamps.tolist() == DAYS
    assert events_of(gzip.compress(text.encode()), "f.csv.gz").timestamps.tolist() == DAYS
    numbers = [20240310, 20240311, 20240401]
    for type_ in (pa.int64(), pa.int32(), pa.float64(), pa.string()):
        column = pa.array([str(n) if type_ == pa.string() else n for n in numbers], type_)
        assert events_of(table(timestamp=column), "f.parquet").timestamps.tolist() == DAYS
    lines = "".join(f'{{"user_id":"a","item_id":"x","timestamp":{n}}}\n' for n in numbers)
    assert events_of(lines, "f.jsonl").timestamps.tolist() == DAYS


def test_a_day_that_is_none_is_refused_among_days() -> None:
    events = events_of(HEADER + "a,x,20240310\n" * 20 + "a,x,20240231\na,x,0\na,x,1710028801\n")
    assert events.timestamps.tolist() == [DAYS[0]] * 20 + [1710028801.0]
    assert reasons(events) == [(22, "bad_timestamp"), (23, "bad_timestamp")]


def test_days_among_other_forms_are_days() -> None:
    events = events_of(HEADER + "a,x,2024-03-09\na,x,20240310\na,x,1710115200\n")
    assert events.timestamps.tolist() == [1709942400.0, *DAYS[:2]]


def test_made_streams_that_begin_at_0_stay_seconds() -> None:
    times = [0.0, 5.0, 300.5, 20240310.0, 20240311.0]
    assert events_of(HEADER + "".join(f"a,x,{t}\n" for t in times)).timestamps.tolist() == times
    seconds = list(range(20240300, 20240400))
    text = HEADER + "".join(f"a,x,{t}\n" for t in seconds)
    assert events_of(text).timestamps.tolist() == seconds


def test_times_as_exports_write_them() -> None:
    events = events_of(
        HEADER + "a,x,2024-03-10 09:30:00 UTC\nb,x,2024-03-10 09:30:05 \nc,y,10-03-2024 09:30\n"
        "d,y,2024-03-10T09:31:00Z\ne,y,2024-03-10 09:32:00.000 GMT\n"
    )
    assert [event.user_id for event in events] == ["a", "b", "d", "e"]
    assert reasons(events) == [(4, "bad_timestamp")]
    assert "read are 1710063000, 2024-03-10" in events.report.examples[0].message


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("-5", "negative"),
        ("nan", "not a number"),
        ("1700000000000", "milliseconds"),
        ("1700000000000000", "microseconds"),
        ("1700000000000000000", "nanoseconds"),
        ("NULL", "does not say when"),
        ("\\N", "does not say when"),
    ],
)
def test_words_for_times_out_of_range(written: str, words: str) -> None:
    with pytest.raises(InvalidDataset, match=words):
        events_of(HEADER + f"a,x,{written}\n")


# Quotation marks.


PLATES = (
    'user_id,item_id,timestamp\na,cup,1700000001\nb,"12 inch plate,1700000002\nc,fork,1700000003\n'
    'd,screen 27",1700000004\ne,cup,1700000005\n'
)


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
def test_a_mark_that_stays_open_swallows_nothing(delimiter: str) -> None:
    events = events_of(PLATES.replace(",", delimiter), delimiter=delimiter)
    assert [event.item_id for event in events] == ["cup", '"12 inch plate', "fork", 'screen 27"', "cup"]
    assert any("line 3" in line for line in events.report.summary())


def test_a_mark_that_never_closes_costs_its_own_line_at_most() -> None:
    rows = [f"u{n % 50},{chr(34) + 'x' if n == 100 else n % 70},{1700000000 + n}\n" for n in range(20_000)]
    events = events_of(HEADER + "".join(rows))
    assert len(events) == 20_000
    assert [event.item_id for event in events].count('"x') == 1


@pytest.mark.parametrize("at_line", [2, 3, 4])
def test_a_mark_open_at_the_end_of_a_file(at_line: int) -> None:
    lines = [f"u,i{n},{n}" for n in range(2, 5)]
    lines[at_line - 2] = f'u,"i{at_line},{at_line}'
    assert len(events_of(HEADER + "\n".join(lines))) == 3


def test_open_marks_in_another_column_swallow_nothing() -> None:
    events = events_of(
        "user_id,title,item_id,timestamp\n"
        'u,"12 inch,i1,1700000001\nv,plain,i2,1700000002\nw,27" screen,i3,1700000003\n'
        'x,"a ""b"", c",i4,1700000004\n'
    )
    assert [event.item_id for event in events] == ["i1", "i2", "i3", "i4"]


def test_text_of_several_lines_in_another_column_is_no_row() -> None:
    events = events_of(
        "user_id,item_id,timestamp,review\r\n"
        'u,i1,1700000001,"great, I, really, liked\r\nit, so, much, really"\r\n'
        'v,i2,never,"two\r\nlines"\r\nw,i3,1700000003,"""so"", he said"\r\n'
    )
    assert [event.item_id for event in events] == ["i1", "i3"]
    assert [(row.line, row.reason, row.n_lines) for row in events.report.examples] == [
        (4, "bad_timestamp", 2)
    ]
    assert "bad_timestamp 1 (2 lines)" in events.report.summary()[0]


def test_no_id_has_a_line_break() -> None:
    events = events_of(HEADER + 'u1,"two\nlines",2\n"u\r\n2",i,3\nu3,i,4\n')
    assert pairs(events) == [("u3", "i")]
    assert [(row.line, row.reason, row.n_lines) for row in events.report.examples] == [
        (2, "line_break", 2),
        (4, "line_break", 2),
    ]


def test_rows_beside_a_mark_that_stays_open_are_read_though_one_of_them_is_short() -> None:
    events = events_of(HEADER + 'a,"12 inch plate,1\nb,fork\nc,screen 27",3\nd,cup,4\n')
    assert [event.item_id for event in events] == ['"12 inch plate', 'screen 27"', "cup"]
    assert reasons(events) == [(3, "wrong_columns")]


@pytest.mark.parametrize(
    ("row", "item_id"),
    [
        ('u,"a,b",1', "a,b"),
        ('u,"say ""hi""",1', 'say "hi"'),
        ('u, "a,b" ,1', "a,b"),
        ('u," a ",1', " a "),
        ('"u","a","1"', "a"),
        ('u,12" plate,1', '12" plate'),
        ('u,"12" plate",1', '"12" plate"'),
        ('u,"12" plate,1', '"12" plate'),
        ('u,",",1', ","),
        ('u,a"b"c,1', 'a"b"c'),
        ('"u" , "a",1', "a"),
    ],
)
def test_marks_within_a_line(row: str, item_id: str) -> None:
    for text in (f"{HEADER}{row}\nv,z,2\n", f"{HEADER}v,z,0\n{row}"):
        assert [e.item_id for e in events_of(text) if e.item_id != "z"] == [item_id]


def test_items_behind_a_mark_that_stays_open() -> None:
    text = 'item_id\ttitle\tcategories\na\t"12 inch plate\tHome\nb\tFork\tHome\nc\tScreen 27"\tHome\n'
    Path("f.tsv").write_text(text)
    assert [item.title for item in iter_items(Path("f.tsv"))] == ['"12 inch plate', "Fork", 'Screen 27"']
    # Of CSV it may be a title of three lines: nothing is read that may be wrong, and all is counted.
    Path("f.csv").write_text(text.replace("\t", ",") + "d,Cup,Home\n")
    report = ReadReport()
    assert [item.item_id for item in iter_items(Path("f.csv"), report=report)] == ["d"]
    assert report.summary()[:2] == [
        "1 of 2 rows left out: open_quote 1 (3 lines)",
        "  f.csv, lines 2 to 4: they are one record with a quoted field, or rows behind a quotation mark "
        "that stays open: double the mark, or remove it",
    ]


def test_titles_of_several_lines_are_read() -> None:
    Path("f.csv").write_text(
        'item_id,title,categories\r\na,"Two\r\nlines, and ""marks""",Home\r\n'
        '"b","One\n\n\nmore","x|y"\r\nc,Cup,\r\n',
        newline="",
    )
    report = ReadReport()
    assert list(iter_items(Path("f.csv"), report=report)) == [
        Item("a", title='Two\r\nlines, and "marks"', categories=("Home",)),
        Item("b", title="One\n\n\nmore", categories=("x", "y")),
        Item("c", title="Cup"),
    ]
    assert report.summary() == []


# Values and ids that are none.


def test_nan_is_no_value() -> None:
    nan = float("nan")
    events = events_of(table(value=[nan, 4.5, nan]), "f.parquet")
    assert [event.value for event in events] == [None, 4.5, None]
    text = "user_id\titem_id\ttimestamp\tvalue\n" + "".join(
        f"a\tx\t{n}\t{value}\n" for n, value in enumerate(["\\N", "NULL", "NaN", "", "4.5", "inf", "much"])
    )
    events = events_of(text, "f.tsv")
    assert [event.value for event in events] == [None, None, None, None, 4.5]
    assert reasons(events) == [(7, "bad_value"), (8, "bad_value")]


def test_nobody_is_no_user_and_markers_as_ids_are_told() -> None:
    events = events_of(HEADER + "\\N,x,1\na,x,2\nNULL,x,3\nNULL,<NA>,4\nnan,x,5\na,\\N,6\n")
    assert pairs(events) == [("a", "x"), ("NULL", "x"), ("NULL", "<NA>"), ("nan", "x")]
    assert reasons(events) == [(2, "null_id"), (7, "null_id")]
    told = events.report.summary()
    assert "user_id 'NULL' read as an id: rows 2, first f.csv, line 4" in told
    assert "item_id '<NA>' read as an id: rows 1, first f.csv, line 5" in told


def test_event_ids_that_are_none_make_no_repeats() -> None:
    events = events_of("user_id,item_id,timestamp,event_id\na,x,1,NULL\na,y,2,\\N\na,z,3,e3\n")
    first, second, third = (event.event_id for event in events)
    assert len({first, second, third}) == 3
    assert third == "e3"


def test_types_as_integers() -> None:
    line = '{"user_id":1,"item_id":10,"timestamp":1700000000,"type":2}\n'
    assert events_of(line, "f.jsonl")[0].type == "2"
    assert [event.type for event in events_of(table(type=[2, 3]), "f.parquet")] == ["2", "3"]
    assert [event.type for event in events_of(table(type=[2.0, None]), "f.parquet")] == ["2", "interaction"]
    assert events_of("user_id,item_id,timestamp,type\na,x,1,2\n")[0].type == "2"


# Delimiters and headers.


@pytest.mark.parametrize(
    "text",
    [
        'user_id, item_id, timestamp, type\na, x, 1, dislike\nb, x, 2, buy\nb, "x,2", 3, buy\n',
        'user_id,item_id,timestamp,type\na,\tx, 1, dislike\nb, x ,2 ,buy \nb, "x,2" , 3, buy\n',
    ],
)
def test_blanks_beside_delimiters_are_no_part_of_a_field(text: str) -> None:
    events = events_of(text)
    assert pairs(events) == [("a", "x"), ("b", "x"), ("b", "x,2")]
    assert [event.type for event in events] == ["dislike", "buy", "buy"]
    Path("i.csv").write_text('item_id, title\na, Cup\nb, "Cup, small"\n')
    assert [item.title for item in iter_items(Path("i.csv"))] == ["Cup", "Cup, small"]


def test_blanks_in_json_and_parquet_stay() -> None:
    assert events_of(table(item_id=[" x"]), "f.parquet")[0].item_id == " x"
    assert events_of('{"user_id":"a","item_id":" x","timestamp":1}', "f.jsonl")[0].item_id == " x"


@pytest.mark.parametrize("name", ["EXPORT.TSV", "EXPORT.TSV.gz", "f.Tab", "F.Tsv.GZ"])
def test_tabs_by_name(name: str) -> None:
    content = b"user_id\titem_id\ttimestamp\na\tx,1\t1700000000\n"
    events = events_of(gzip.compress(content) if name.lower().endswith("gz") else content, name)
    assert pairs(events) == [("a", "x,1")]


@pytest.mark.parametrize(("delimiter", "option"), [(";", ";"), ("|", "|"), ("\t", r"\t"), ("\x01", r"\x01")])
def test_the_message_says_which_delimiter(delimiter: str, option: str) -> None:
    text = "user_id,item_id,timestamp\na,x,1700000000\n".replace(",", delimiter)
    with pytest.raises(InvalidDataset) as caught:
        events_of(text)
    assert f"--delimiter '{option}'" in str(caught.value)
    assert pairs(events_of(text, delimiter=option)) == [("a", "x")]
    with pytest.raises(InvalidDataset) as caught:
        list(iter_items(Path("f.csv")))
    assert f"--delimiter '{option}'" in str(caught.value)
    with pytest.raises(InvalidDataset, match="--delimiter ','"):
        events_of(HEADER + "a,x,1\n", "f.tsv")


@pytest.mark.parametrize("wrong", ["", "ab", '"', "\n", r"\q"])
def test_a_delimiter_that_is_none(wrong: str) -> None:
    with pytest.raises(InvalidDataset, match="one character"):
        events_of(HEADER + "a,x,1\n", delimiter=wrong)


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\r\n', "SEP=;\n", "\ufeffsep=;\r\n"])
def test_a_line_that_tells_the_delimiter(first: str) -> None:
    text = first + "user_id;item_id;timestamp\r\na;x;1700000000\r\nb;y\r\n"
    assert pairs(events_of(text)) == pairs(events_of(text, delimiter=";")) == [("a", "x")]
    assert reasons(events_of(text)) == [(4, "wrong_columns")]
    commas = first + HEADER + "a,x,1\n"
    assert pairs(events_of(commas, delimiter=",")) == [("a", "x")]
    Path("i.csv").write_text(first + "item_id;title\na;Cup, small\n")
    assert [item.title for item in iter_items(Path("i.csv"))] == ["Cup, small"]


def test_items_behind_another_delimiter() -> None:
    Path("i.csv").write_text("item_id;title\na;Cup, small\n")
    assert list(iter_items(Path("i.csv"), Reading(delimiter=";"))) == [Item("a", title="Cup, small")]


NO_HEADER = "7,501,buy,1700000000\n8,502,buy,1700000060\n9,501,view,1700000120\n"


def test_no_header() -> None:
    with pytest.raises(InvalidDataset, match=r"looks like data.*give --no-header.*--map"):
        events_of(NO_HEADER)
    with pytest.raises(InvalidDataset, match="looks like data"):
        list(iter_items(Path("f.csv")))
    mapping = {"user_id": "7", "item_id": "501", "timestamp": "1700000000", "type": "buy"}
    events = events_of(NO_HEADER, mapping=mapping)
    assert len(events) == 2
    assert any("not read as an event" in line for line in events.report.summary())
    by_numbers = {"user_id": "1", "item_id": "2", "timestamp": "4", "type": "3"}
    events = read_events(EventFile(Path("f.csv"), Reading(by_numbers, has_header=False)))
    assert [(event.user_id, event.type) for event in events] == [("7", "buy"), ("8", "buy"), ("9", "view")]
    assert events.report.summary() == []
    items = iter_items(Path("f.csv"), Reading({"item_id": "2"}, has_header=False))
    assert [item.item_id for item in items] == ["501", "502", "501"]
    numbered = "0,1,2\na,x,5\n"
    events = events_of(numbered, mapping={"user_id": "0", "item_id": "1", "timestamp": "2"})
    assert events.report.summary() == []


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("f.csv", "# exported\n" + HEADER + "a,x,1\n", "begins with '#'"),
        ("f.csv", '{"user_id":"a","item_id":"b","timestamp":1}\n', "looks like JSON"),
        ("f.jsonl", HEADER + "a,x,1\n", "no JSON object.*looks like CSV.*ends in .csv"),
        ("f.json", "[]", "no JSON object"),
        ("f.json", "{'user_id': 'a'}\n", "written as Python does it"),
        ("f.json", '{"rows": [{"user_id": "a"}, {"user_id": "b"}]}', "rows in 'rows': `jq -c '.rows"),
        (
            "f.json",
            '{"user_id": {"0": "a", "1": "b"}, "n": {"0": 1, "1": 2}}',
            "a row each.*orient='records'",
        ),
    ],
)
def test_words_for_what_is_no_table(name: str, text: str, words: str) -> None:
    with pytest.raises(InvalidDataset, match=words):
        events_of(text, name)


# Columns of one name.


def test_two_columns_of_one_name() -> None:
    twice = "user_id,item_id,timestamp,item_id\na,sku-9,1700000000,Chair\n"
    arrays = [pa.array(["a"]), pa.array(["sku-9"]), pa.array([1700000000]), pa.array(["Chair"])]
    names = ["user_id", "item_id", "timestamp", "item_id"]
    double = pa.Table.from_arrays(arrays, names=names)
    for content, name in ((twice, "f.csv"), (twice.replace(",", "\t"), "f.tsv"), (double, "f.parquet")):
        with pytest.raises(InvalidDataset, match="2 columns named 'item_id'"):
            events_of(content, name)
        with pytest.raises(InvalidDataset, match="2 columns named 'item_id'"):
            list(iter_items(Path(name)))
    # Where no field needs them, they do no harm.
    mapping = {"item_id": "timestamp", "timestamp": "timestamp"}
    assert pairs(events_of(twice.replace("item_id", "note"), mapping=mapping)) == [("a", "1700000000")]
    harmless = pa.Table.from_arrays(
        [*arrays, pa.array(["x"])], names=["user_id", "item_id", "timestamp", "n", "n"]
    )
    assert pairs(events_of(harmless, "f.parquet")) == [("a", "sku-9")]


def test_two_titles() -> None:
    Path("i.csv").write_text("item_id,title,title\na,b,c\n")
    with pytest.raises(InvalidDataset, match="'title'"):
        list(iter_items(Path("i.csv")))


def test_a_key_that_stands_twice() -> None:
    events = events_of(
        '{"item_id":"a","item_id":"b","user_id":"u","timestamp":1}\n'
        '{"item_id":"a","item\\u005fid":"b","user_id":"u","timestamp":1}\n'
        '{"item_id" : "a", "item_id" : "b","user_id":"u","timestamp":1}\n'
        '{"item_id":"c","user_id":"item_id","timestamp":1,"more":{"item_id":"d"},"note":1,"note":2}\n',
        "f.jsonl",
    )
    assert pairs(events) == [("item_id", "c")]
    assert reasons(events) == [(1, "double_key"), (2, "double_key"), (3, "double_key")]


def test_keys_that_come_late_in_json_lines() -> None:
    lines = ['{"user_id":"u","item_id":"i","timestamp":1}\n'] * 1500
    lines.append('{"user_id":"u","item_id":"i","timestamp":1,"type":"buy","value":2}\n')
    last = events_of("".join(lines), "f.jsonl")[-1]
    assert (last.type, last.value) == ("buy", 2.0)
    lines = ['{"item_id":"i"}\n'] * 1500 + ['{"item_id":"j","title":"t","color":"red"}\n']
    Path("i.jsonl").write_text("".join(lines))
    assert list(iter_items(Path("i.jsonl")))[-1] == Item("j", title="t", attributes={"color": "red"})


# Types of Parquet.


def test_bytes_and_uuids_as_ids() -> None:
    events = events_of(table(user_id=[b"u1", b"\xff", b"u2"]), "f.parquet")
    assert [event.user_id for event in events] == ["u1", "u2"]
    assert reasons(events) == [(2, "bad_id")]
    id_ = uuid.UUID(int=5)
    for column in (
        pa.array([id_.bytes], pa.uuid()),
        pa.array([str(id_)], pa.large_string()),
        pa.array([str(id_).encode()], pa.large_binary()),
        pa.array([str(id_).encode()], pa.binary(36)),
        pa.array([str(id_).encode()]).dictionary_encode(),
        pa.array([str(id_)]).dictionary_encode(),
    ):
        assert events_of(table(user_id=column), "f.parquet")[0].user_id == str(id_)


def test_types_that_are_no_ids() -> None:
    for column in ([[1]], [{"a": 1}], [True]):
        with pytest.raises(InvalidDataset, match="user_id"):
            events_of(table(user_id=column), "f.parquet")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_beyond_all_bounds_are_refused(unit: str) -> None:
    column = pa.array([2**62 if unit != "s" else 2**52, 0], pa.timestamp(unit))
    events = events_of(table(timestamp=column), "f.parquet")
    if unit != "ns":
        assert reasons(events) == [(1, "bad_timestamp")]
    assert events[0].timestamp == 0.0


def test_items_with_every_kind_of_value() -> None:
    columns = {
        "item_id": pa.array([7.0, 8.0]),
        "categories": pa.array([["a", "b"], []]),
        "price": pa.array([Decimal("2.50"), None]),
        "made": pa.array([b"x", b"y"]),
        "key": pa.array([uuid.UUID(int=1).bytes, uuid.UUID(int=2).bytes], pa.uuid()),
        "sizes": pa.array([[{"cm": Decimal("1.5")}], None]),
    }
    pyarrow.parquet.write_table(pa.table(columns), "i.parquet")
    first, second = iter_items(Path("i.parquet"))
    assert (first.item_id, first.categories) == ("7", ("a", "b"))
    assert first.attributes == {
        "price": 2.5,
        "made": "x",
        "key": str(uuid.UUID(int=1)),
        "sizes": [{"cm": 1.5}],
    }
    assert second.item_id == "8"


# Folders of parts.


def test_a_folder_of_parts_is_read_in_order_of_names() -> None:
    folder = Path("out.parquet")
    folder.mkdir()
    for name, item_id in (("part-1.parquet", "late"), ("part-0.parquet", "early")):
        pyarrow.parquet.write_table(table(item_id=[item_id], timestamp=[5]), folder / name)
    for name in ("_SUCCESS", ".part-0.parquet.crc", "_metadata"):
        (folder / name).write_bytes(b"x" if name != "_SUCCESS" else b"")
    events = read_events(EventFile(folder))
    assert [event.item_id for event in events] == ["early", "late"]
    assert len({event.event_id for event in events}) == 2
    assert events.event_ids() == read_events(EventFile(folder)).event_ids()
    before = events.content_hash
    (folder / "part-1.parquet").rename(folder / "part-2.parquet")
    assert read_events(EventFile(folder)).content_hash != before


def test_parts_of_text() -> None:
    folder = Path("out")
    folder.mkdir()
    (folder / "part-0.csv").write_text(HEADER + "a,x,1\na,x\n")
    (folder / "part-1.csv.gz").write_bytes(gzip.compress(b"timestamp,user_id,item_id\n2,b,y\n"))
    (folder / "part-2.csv").write_bytes(b"")
    events = read_events(EventFile(folder))
    assert pairs(events) == [("a", "x"), ("b", "y")]
    assert "part-0.csv, line 3" in events.report.summary()[1]
    items = Path("items")
    items.mkdir()
    for part in (1, 0):
        (items / f"{part}.jsonl").write_text(f'{{"item_id":"{part}"}}\n')
    assert [item.item_id for item in iter_items(items)] == ["0", "1"]


def test_folders_that_are_not_read() -> None:
    folder = Path("out")
    folder.mkdir()
    with pytest.raises(InvalidDataset, match="without a part"):
        read_events(EventFile(folder))
    (folder / "a.csv").write_text(HEADER + "a,x,1\n")
    (folder / "b.jsonl").write_text('{"user_id":1}\n')
    with pytest.raises(InvalidDataset, match="several kinds"):
        read_events(EventFile(folder))
    (folder / "day=1").mkdir()
    with pytest.raises(InvalidDataset, match="holds folders"):
        read_events(EventFile(folder))
    (folder / "_delta_log").mkdir()
    with pytest.raises(InvalidDataset, match="Delta"):
        read_events(EventFile(folder))


# Bytes.


TEXT = "user_id,item_id,timestamp\nü,x,1\nb,y,2\n"
LINES = '{"user_id":"ü","item_id":"x","timestamp":1}\n{"user_id":"b","item_id":"y","timestamp":2}\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("text", "name"), [(TEXT, "f.csv"), (LINES, "f.jsonl")])
def test_encodings_and_ends_of_lines(encoding: str, line_end: str, text: str, name: str) -> None:
    events = events_of(text.replace("\n", line_end).encode(encoding), name)
    assert pairs(events) == [("ü", "x"), ("b", "y")]
    assert [event.timestamp for event in events] == [1, 2]


def test_latin_1_loses_its_rows_and_says_how_to_convert() -> None:
    events = events_of(TEXT.encode("latin-1"))
    assert pairs(events) == [("b", "y")]
    assert "--encoding cp1252" in events.report.examples[0].message
    assert pairs(events_of(TEXT.encode("latin-1"), encoding="latin-1")) == [("ü", "x"), ("b", "y")]
    Path("i.csv").write_bytes("item_id,title\na,Café\nb,Cup\n".encode("latin-1"))
    report = ReadReport()
    assert [item.item_id for item in iter_items(Path("i.csv"), report=report)] == ["b"]
    assert report.reasons == {"not_utf8": 1}


@pytest.mark.parametrize(
    ("pack", "suffix"),
    [(gzip.compress, "gz"), (bz2.compress, "bz2"), (lzma.compress, "xz"), (zstandard.compress, "zst")],
)
def test_packed_files(pack: object, suffix: str) -> None:
    for text, name in ((TEXT, "f.csv"), (LINES, "f.jsonl")):
        packed = pack(text.encode())  # type: ignore[operator]
        assert pairs(events_of(packed, f"{name}.{suffix}")) == [("ü", "x"), ("b", "y")]
        assert pairs(events_of(text, f"{name}.{suffix}")) == [("ü", "x"), ("b", "y")]
        with pytest.raises(InvalidDataset, match="incomplete|can't be read|damaged"):
            events_of(pack(text.encode() * 999)[:-20], f"{name}.{suffix}")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"PK\x03\x04", "zip archive or a workbook"),
        (b"\x28\xb5\x2f\xfd", "decompress failed"),
        (b"PAR1", "Parquet file: give it a name"),
        (b"\xd0\xcf\x11\xe0", "workbook"),
        (b"<!DOCTYPE html>", "HTML page"),
        (b"a\0b\0\0c", "no text"),
    ],
)
@pytest.mark.parametrize("name", ["f.csv", "f.tsv", "f.jsonl"])
def test_files_that_are_no_text(start: bytes, words: str, name: str) -> None:
    with pytest.raises(InvalidDataset, match=words):
        events_of(start + b"x" * 100, name)


def test_files_that_are_no_parquet() -> None:
    for content, words in (
        (b"", "empty"),
        (HEADER.encode(), "no Parquet file"),
        (gzip.compress(b"x"), "gzip"),
    ):
        with pytest.raises(InvalidDataset, match=words):
            events_of(content, "f.parquet")


def test_very_wide_and_very_long() -> None:
    names = ["user_id", "item_id", "timestamp", *(f"c{n}" for n in range(20_000))]
    events = events_of(",".join(names) + "\n" + "a,x,1" + "," * 20_000 + "\na,x,1\n")
    assert pairs(events) == [("a", "x")]
    with pytest.raises(InvalidDataset, match="first line has more than"):
        events_of("user_id,item_id,timestamp," + "c," * 600_000)
    with pytest.raises(InvalidDataset) as caught:
        events_of(",".join(f"c{n}" for n in range(20_000)))
    assert len(str(caught.value)) < 2000
    events = events_of(
        "user_id,item_id,timestamp,text\na,x,1," + "t" * 3_000_000 + '\na,y,2,"' + "t" * 300_000 + '"\n'
    )
    assert pairs(events) == [("a", "y")]
    assert reasons(events) == [(2, "line_too_long")]


def test_delimiters_at_the_ends_of_lines() -> None:
    assert pairs(events_of(HEADER + "a,x,1,\nb,y,2,,\n")) == [("a", "x"), ("b", "y")]
    assert pairs(events_of("user_id,item_id,timestamp,\na,x,1\nb,y,2,\n")) == [("a", "x"), ("b", "y")]


def test_examples_of_each_reason_are_told() -> None:
    rows = "".join(f"u,i,never{n}\n" for n in range(50)) + "u,i\nu,i,1\n"
    report = events_of(HEADER + rows).report
    assert report.reasons == {"bad_timestamp": 50, "wrong_columns": 1}
    assert [row.line for row in report.examples] == [2, 3, 4, 52]
