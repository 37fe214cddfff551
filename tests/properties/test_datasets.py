import csv
import gzip
import re
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import pyarrow
import pyarrow.parquet
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.delimited.fields import FieldSplitter
from streamrec.datasets.files.event_files import EventFile, read_events
from streamrec.datasets.files.item_files import iter_items
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.reading import Reading
from streamrec.datasets.synthetic import SyntheticStream
from streamrec.domain.events.interaction import MAX_ID_BYTES, Interaction
from streamrec.domain.events.values import NULL_ID
from streamrec.errors import InvalidDataset

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_ID_BYTES // 4)
csv_ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=MAX_ID_BYTES // 4)
FIELDS = ["user_id", "item_id", "timestamp", "type", "value"]
ids, csv_ids = (any_id.filter(lambda text: text != NULL_ID) for any_id in (ids, csv_ids))
HEADER = b"user_id,item_id,timestamp\n"


def interactions(any_id: st.SearchStrategy[str]) -> st.SearchStrategy[list[Interaction]]:
    event = st.builds(
        Interaction,
        any_id,
        any_id,
        st.floats(0, 1e10),
        st.sampled_from(["view", "like"]),
        st.none() | st.floats(-1e300, 1e300),
    )
    return st.lists(event, min_size=1, max_size=20)


def read(content: bytes, name: str) -> EventSet:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return read_events(EventFile(path))


def without_ids(events: EventSet | list[Interaction]) -> list[Interaction]:
    return [msgspec.structs.replace(event, event_id=None) for event in events]


@given(interactions(ids))
@settings(max_examples=60, deadline=None)
def test_json_lines_read_back_sorted_by_time(events: list[Interaction]) -> None:
    found = read(msgspec.json.Encoder().encode_lines(events), "events.jsonl")
    assert without_ids(found) == sorted(events, key=lambda event: event.timestamp)


def write_csv(path: Path, events: list[Interaction], delimiter: str, quoting: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
        writer.writerow(FIELDS)
        for event in events:
            writer.writerow([event.user_id, event.item_id, event.timestamp, event.type, event.value])


def write_parquet(path: Path, events: list[Interaction]) -> None:
    columns = {name: [getattr(event, name) for event in events] for name in FIELDS}
    types = {"value": pyarrow.float64(), "timestamp": pyarrow.float64()}
    arrays = {name: pyarrow.array(values, types.get(name)) for name, values in columns.items()}
    pyarrow.parquet.write_table(pyarrow.table(arrays), path)


@given(
    interactions(csv_ids),
    st.sampled_from([",", ";", "|", "\t", "\x01", ":"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_csv_reads_back_whatever_must_be_quoted(
    events: list[Interaction], delimiter: str, quoting: int, is_packed: bool
) -> None:
    if quoting != csv.QUOTE_ALL and quoting != csv.QUOTE_NONNUMERIC:
        # Blanks at the ends of a field belong to it only within quotation marks, which this style leaves out.
        blanks = FieldSplitter(delimiter).blanks
        events = [
            msgspec.structs.replace(
                e, user_id=e.user_id.strip(blanks) or "u", item_id=e.item_id.strip(blanks) or "i"
            )
            for e in events
        ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.csv"
        write_csv(path, events, delimiter, quoting)
        if is_packed:
            path.write_bytes(gzip.compress(path.read_bytes()))
        found = read_events(EventFile(path, Reading(delimiter=delimiter)))
    assert without_ids(found) == sorted(events, key=lambda event: event.timestamp)


@given(interactions(ids))
@settings(max_examples=60, deadline=None)
def test_parquet_reads_back(events: list[Interaction]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        write_parquet(path, events)
        found = read_events(EventFile(path))
    assert without_ids(found) == sorted(events, key=lambda event: event.timestamp)


MARKS = st.text(st.sampled_from('ab",; \n\r\t'), max_size=30)


@given(st.lists(MARKS, max_size=12), st.sampled_from([",", "\t"]))
@settings(max_examples=300, deadline=None)
def test_whatever_marks_do_the_rows_around_them_are_read_and_every_line_is_told(
    middle: list[str], delimiter: str
) -> None:
    good = [f"u{n},i{n},{n}\n" for n in range(10, 14)]
    lines = [HEADER.decode(), *good[:2], *(f"{text}\n" for text in middle), *good[2:]]
    content = "".join(lines).replace(",", delimiter) if delimiter == "\t" else "".join(lines)
    events = read(content.encode(), "x.csv" if delimiter == "," else "x.tsv")
    found = {event.user_id for event in events}
    lost = sum(events.report.lines.values())
    # A quoted field may take rows that follow it; then their lines are counted.
    assert {"u10", "u11"} <= found
    assert {"u12", "u13"} <= found or lost
    assert not any("\n" in event.user_id or "\n" in event.item_id for event in events)
    n_lines = sum(1 for line in re.split(r"\r\n|\r|\n", content)[1:] if line.strip())
    assert lost + len(events) <= n_lines + content.count("\r") + content.count("\n")
    assert lost + len(events) >= n_lines - content.count('"')


@given(st.lists(st.sampled_from(["a", '"', '""', ",", "\n", " ", "x1"]), max_size=25).map("".join))
@settings(max_examples=200, deadline=None)
def test_items_with_any_text_written_by_the_standard_library_are_read_or_counted(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "items.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerows([["item_id", "title", "kind"], ["i1", text, "k"], ["i2", "after", "k"]])
        report = ReadReport()
        found = {item.item_id: item.title for item in iter_items(path, report=report)}
    assert found["i2"] == "after"
    assert found.get("i1") == (text or None) if "i1" in found else report.reasons == {"open_quote": 1}


@given(
    st.binary(max_size=300),
    st.sampled_from([HEADER, HEADER + b"u,i,1\n", b'{"user_id":1,"item_id":2,"timestamp":3}\n', b"PAR1"]),
    st.sampled_from(["x.csv", "x.tsv", "x.jsonl", "x.parquet"]),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_whatever_a_file_holds_it_is_read_or_refused(
    content: bytes, start: bytes, name: str, is_zipped: bool
) -> None:
    content = start + content
    try:
        events = read(gzip.compress(content) if is_zipped else content, name)
    except InvalidDataset:
        return
    assert len(events) + events.report.n_rejected == events.report.n_read
    assert (np.diff(events.timestamps) >= 0).all()


@given(st.integers(1, 3000), st.integers(1, 50), st.integers(1, 50), st.integers(0, 9), st.integers(1, 4000))
@settings(max_examples=30, deadline=None)
def test_any_synthetic_stream_is_whole_and_in_order(
    n_events: int, n_users: int, n_items: int, seed: int, block_size: int
) -> None:
    blocks = list(SyntheticStream(n_events, n_users, n_items, seed).blocks(block_size))
    assert sum(len(block) for block in blocks) == n_events
    assert [block.first for block in blocks] == list(range(0, n_events, block_size))
    timestamps = np.concatenate([block.timestamps for block in blocks])
    assert (np.diff(timestamps) >= 0).all()
    assert all(block.items.max() < n_items and block.users.max() < n_users for block in blocks)
    assert all(block.items.min() >= 0 and block.users.min() >= 0 for block in blocks)
