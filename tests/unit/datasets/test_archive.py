"""An archive holds each event of its log once, whatever it was stopped in, and none of the erased."""

from pathlib import Path

import pyarrow.parquet
import pytest

from streamrec.datasets.archive.erasing import Erased, remove_erased
from streamrec.datasets.archive.parts import Part, digest_of_log, next_offsets, part_of, parts_in
from streamrec.datasets.archive.reading import archived, logs_in
from streamrec.datasets.archive.rows import Archived
from streamrec.datasets.archive.writing import ArchiveWriter
from streamrec.datasets.open_dataset import open_dataset
from streamrec.domain.events.erasure import Erasure, digest_of
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import CorruptArtifact, InvalidDataset

LOG = "one log / \u00fc"
DAY = 86_400.0
ODD = ['"', "a/b\\", "<script>", "\u2028\U0001f9e6", "x" * 256, "\x00", "-", " "]


def event(offset: int, day: float = 1.0, partition: int = 0, user: str = "u") -> Archived:
    of_log = Interaction(user, f"i{offset}", 5.0 + offset, "view", None if offset % 2 else 1.5, f"e{offset}")
    return Archived(of_log, partition, offset, day * DAY + offset)


def write(folder: Path, events: list[Archived], end: int, most_rows: int = 1000, log: str = LOG) -> None:
    with ArchiveWriter(folder, log, most_rows) as writer:
        writer.add(events)
        writer.finish({one.partition: end for one in events} or {0: end})


def held(folder: Path, log: str = LOG) -> list[Archived]:
    return list(archived(folder, digest_of_log(log)))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_there_is_a_part_a_day_and_partition_however_often_it_is_written(tmp_path: Path) -> None:
    events = [event(n, 1 + n // 10) for n in range(30)]
    for first in range(0, 30, 3):
        write(tmp_path, events[first : first + 3], first + 3)
    assert [(part.day, part.first, part.next) for part in parts_in(tmp_path)] == [
        ("1970-01-02", 0, 10), ("1970-01-03", 10, 20), ("1970-01-04", 20, 30),
    ]  # fmt: skip
    assert len(names(tmp_path)) == 3
    assert held(tmp_path) == events


def test_odd_ids_come_back_as_they_were_and_the_one_reader_takes_the_folder(tmp_path: Path) -> None:
    events = [Archived(Interaction(id_, id_, 1.7e9 + n), 0, n, DAY + n) for n, id_ in enumerate(ODD)]
    write(tmp_path, events, len(ODD))
    assert held(tmp_path) == events
    assert [(one.user_id, one.item_id, one.timestamp) for one in open_dataset(tmp_path)] == [
        (one.event.user_id, one.event.item_id, one.event.timestamp) for one in events
    ]


def test_a_writer_that_dies_leaves_what_was_finished_and_goes_on_there(tmp_path: Path) -> None:
    events = [event(n, 1 + n // 10) for n in range(25)]
    with ArchiveWriter(tmp_path, LOG) as writer:
        writer.add(events)
    assert held(tmp_path) == events[:20]
    (tmp_path / ".unfinished-0-99").write_bytes(b"PAR1")  # one that was killed
    with ArchiveWriter(tmp_path, LOG) as writer:
        assert writer.next_offsets() == {0: 20}
        writer.add(events[20:])
        writer.finish({0: 25})
    assert held(tmp_path) == events
    assert len(names(tmp_path)) == 3


def test_what_a_wider_part_holds_counts_once(tmp_path: Path) -> None:
    write(tmp_path, [event(n) for n in range(5)], 5)
    narrow = (tmp_path / names(tmp_path)[0]).read_bytes()
    name = names(tmp_path)[0]
    write(tmp_path, [event(n) for n in range(5, 9)], 9)
    (tmp_path / name).write_bytes(narrow)  # killed between the new part's name and the old one's removal
    assert held(tmp_path) == [event(n) for n in range(9)]
    write(tmp_path, [], 9)
    assert len(names(tmp_path)) == 1


def test_parts_are_bounded_and_a_clock_that_jumps_makes_no_more_of_them(tmp_path: Path) -> None:
    write(tmp_path, [event(n) for n in range(10)], 10, most_rows=4)
    assert [(part.first, part.next) for part in parts_in(tmp_path)] == [(0, 4), (4, 8), (8, 10)]
    jumping = [event(n, 3 - n % 2) for n in range(10, 30)]
    write(tmp_path, jumping, 30)
    assert len(parts_in(tmp_path)) <= 5
    assert [one.offset for one in held(tmp_path)] == list(range(30))


def test_what_is_no_event_counts_as_archived(tmp_path: Path) -> None:
    write(tmp_path, [event(0)], 4)
    write(tmp_path, [], 9)
    assert next_offsets(parts_in(tmp_path), digest_of_log(LOG)) == {0: 9}
    assert held(tmp_path) == [event(0)]


def test_partitions_are_joined_in_the_order_of_the_log_and_logs_are_kept_apart(tmp_path: Path) -> None:
    events = [event(n // 2, 1.0 + n * 0.01, partition=n % 2) for n in range(20)]
    write(tmp_path, events, 10)
    write(tmp_path, [event(0)], 1, log="another")
    assert held(tmp_path) == sorted(events, key=lambda one: one.appended_at)
    assert held(tmp_path, "another") == [event(0)]
    assert set(logs_in(tmp_path).values()) == {LOG, "another"}
    with pytest.raises(InvalidDataset, match="no part"):
        logs_in(tmp_path / "nowhere")


def test_erased_users_leave_old_parts_and_who_came_back_stays(tmp_path: Path) -> None:
    write(tmp_path, [event(n, 1 + n // 4, user=f"u{n % 2}") for n in range(12)], 12)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    salt = b"salt"
    erased = Erased(salt, [Erasure(digest_of("u0", salt), LOG, {0: 7}, 1.0)], {"u1": DAY + 1})
    assert remove_erased(tmp_path, erased) == 4 + 1
    left = [(one.event.user_id, one.offset) for one in held(tmp_path)]
    assert left == [("u1", 3), ("u1", 5), ("u1", 7), ("u0", 8), ("u1", 9), ("u0", 10), ("u1", 11)]
    untouched = [path for path, at in before.items() if path.stat().st_mtime_ns == at]
    assert len(untouched) == 1, "a part without any of theirs"
    assert remove_erased(tmp_path, erased) == 0
    of_another = Erasure(digest_of("u1", salt), "another log", {0: 99}, 1.0)
    assert remove_erased(tmp_path, erased._replace(erasures=[*erased.erasures, of_another])) == 0
    (tmp_path / "_erasures.json").write_bytes(b"{")
    assert remove_erased(tmp_path, erased) == 0


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    write(tmp_path, [event(n) for n in range(5)], 5)
    path = tmp_path / names(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorruptArtifact, match=path.name):
        held(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(CorruptArtifact, match=path.name):
        logs_in(tmp_path)


@pytest.mark.parametrize("name", ["", "x.parquet", "2026-11-30-p0-1-2-1f0e2d3c.parquet", "_erasures.json"])
def test_other_files_are_no_parts(name: str) -> None:
    assert part_of(name) is None


def test_names_sort_by_day_and_offset() -> None:
    parts = [Part("2026-01-01", "0" * 8, 0, 10**k, 10**k + 1) for k in range(12)]
    assert [part.name for part in parts] == sorted(part.name for part in parts)


def test_rows_are_those_of_other_tools(tmp_path: Path) -> None:
    write(tmp_path, [event(n) for n in range(3)], 3)
    table = pyarrow.parquet.read_table(tmp_path / names(tmp_path)[0])
    assert table.column("value").to_pylist() == [1.5, None, 1.5]
    assert table.column("offset").to_pylist() == [0, 1, 2]
