import csv
import gzip
import tempfile
from pathlib import Path

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.datasets.event_files import EventFile, read_events
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.synthetic import SyntheticStream
from streamrec.domain.interaction import MAX_ID_BYTES, Interaction
from streamrec.errors import InvalidDataset

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_ID_BYTES // 4)
csv_ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=MAX_ID_BYTES // 4)
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


@given(interactions(csv_ids))
@settings(max_examples=60, deadline=None)
def test_csv_reads_back_whatever_must_be_quoted(events: list[Interaction]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["user_id", "item_id", "timestamp", "type", "value"])
            for event in events:
                writer.writerow([event.user_id, event.item_id, event.timestamp, event.type, event.value])
        found = read_events(EventFile(path))
    assert without_ids(found) == sorted(events, key=lambda event: event.timestamp)


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
