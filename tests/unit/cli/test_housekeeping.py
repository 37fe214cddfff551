"""What a trainer's process removes, and what it must not: the parts together, on real files."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from streamrec.adapters.files.roles import CHANGELOG_SLOT
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.sqlite.events import SqliteEventSink
from streamrec.attribution.checkpoint import AttributionCheckpoint, Saved
from streamrec.attribution.context import CHECKPOINT_FILE as ATTRIBUTION_FILE
from streamrec.bars.checkpoint import NOTHING, BarsCheckpoint
from streamrec.bars.context import CHECKPOINT_FILE
from streamrec.cli.training.housekeeping import needed_offsets, open_housekeeping
from streamrec.cli.training.retention_settings import RetentionSettings
from streamrec.domain.bars.minute_table import MinuteTable
from streamrec.domain.generations.changelog import changelog_key
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import IMPRESSIONS, INTERACTIONS, ITEM_VECTORS, Message, Offsets, Snapshot, VectorTable
from streamrec.settings.processes import LearningSettings, LocationSettings, TrainerSettings
from streamrec.telemetry import NullMetrics
from streamrec.trainer.housekeeping import Housekeeping
from streamrec.wire import VectorRecord, encode_vector


def release(folder: Path, name: str, item_ids: list[str], offset: int, slot: int = 0) -> None:
    items = VectorTable(item_ids, np.ones((len(item_ids), 9), np.float32))
    users = VectorTable([], np.zeros((0, 9), np.float32))
    write_snapshot(folder, Snapshot(name, items, users, {}, 1.0, {CHANGELOG_SLOT: slot}))
    checkpoint(folder, name, offset)


def checkpoint(folder: Path, name: str, offset: int) -> None:
    state = TrainerState(name, LearningSettings(embedding_dim=8), TrainerSettings())
    Checkpoints(folder, name).write(state, {INTERACTIONS: {0: offset}}, token=0)


@pytest.fixture
def locations(tmp_path: Path) -> LocationSettings:
    return LocationSettings(
        events_url=f"sqlite:///{tmp_path}/events.db",
        store_url=f"sqlite:///{tmp_path}/store.db",
        cache_url=f"sqlite:///{tmp_path}/cache.db",
        artifacts_dir=tmp_path / "artifacts",
    )


def test_the_log_is_needed_from_the_oldest_checkpoint_that_a_process_may_go_on_from(
    tmp_path: Path,
) -> None:
    known: dict[Path, Offsets] = {}
    assert needed_offsets(tmp_path, known) is None
    release(tmp_path, "old", [], 5)  # without a role: nobody goes on from it
    release(tmp_path, "live", [], 20)
    set_current(tmp_path, "live")
    for offset in (30, 40):
        checkpoint(tmp_path, "live", offset)
    assert needed_offsets(tmp_path, known) == {INTERACTIONS: {0: 20}}
    checkpoint(tmp_path, "live", 50)
    assert needed_offsets(tmp_path, known) == {INTERACTIONS: {0: 30}}
    release(tmp_path, "next", [], 25)  # an initial training is about to make it live
    assert needed_offsets(tmp_path, known) == {INTERACTIONS: {0: 25}}
    bars = BarsCheckpoint(tmp_path / CHECKPOINT_FILE)
    bars.write(MinuteTable(60, 10), NOTHING._replace(next_offsets={INTERACTIONS: {0: 22}}))
    assert needed_offsets(tmp_path, known) == {INTERACTIONS: {0: 22}}
    attribution = AttributionCheckpoint(tmp_path / ATTRIBUTION_FILE)
    attribution.write(Saved(next_offsets={INTERACTIONS: {0: 23}, IMPRESSIONS: {0: 7}}))
    assert needed_offsets(tmp_path, known) == {INTERACTIONS: {0: 22}, IMPRESSIONS: {0: 7}}
    attribution.write(Saved(next_offsets={INTERACTIONS: {0: 21}, IMPRESSIONS: {0: 7}}))
    assert needed_offsets(tmp_path, known) == {INTERACTIONS: {0: 21}, IMPRESSIONS: {0: 7}}
    bars.write(MinuteTable(60, 10), NOTHING)
    assert needed_offsets(tmp_path, known) == {INTERACTIONS: {}, IMPRESSIONS: {0: 7}}


def test_the_changelog_remembers_what_a_snapshot_still_holds_and_nothing_else_for_ever(
    locations: LocationSettings,
) -> None:
    release(locations.artifacts_dir, "live", [f"i{n}" for n in range(5)], 0, slot=1)
    set_current(locations.artifacts_dir, "live")
    vector = np.ones(9, "<f4").tobytes()
    records = {f"i{n}": VectorRecord("live", None, 1.0, f"i{n}") for n in range(10)}  # of the version before
    records |= {f"new{n}": VectorRecord("live", vector, 1.0, f"new{n}") for n in range(10)}
    records |= {f"orphan{n}": VectorRecord("gone", vector, 1.0, f"orphan{n}") for n in range(10)}
    messages = [Message(changelog_key(id_, 1), encode_vector(record)) for id_, record in records.items()]
    messages += [Message(changelog_key(f"bare{n}", 1), None) for n in range(5)]
    messages += [Message("damaged", b"?")]
    path = locations.artifacts_dir.parent / "changelog.db"
    sink = SqliteEventSink(path)
    sink.append(ITEM_VECTORS, messages)
    sink.close()
    kept = {changelog_key(f"i{n}", 1) for n in range(5)} | {changelog_key(f"new{n}", 1) for n in range(10)}

    def keys() -> set[str]:
        with closing(sqlite3.connect(path)) as file:
            return {key for (key,) in file.execute('SELECT key FROM "log_item-vectors"')}

    open_housekeeping(locations, NullMetrics(), RetentionSettings()).do_all()
    assert len(keys()) == 36  # a reader that was away for a moment has to learn of them
    with closing(sqlite3.connect(path)) as file:
        file.execute('UPDATE "log_item-vectors" SET appended_at = 1.0')
        file.commit()
    open_housekeeping(locations, NullMetrics(), RetentionSettings()).do_all()
    assert keys() == kept | {"damaged"}


def test_a_hundred_thousand_deleted_ids_leave_nothing_behind(locations: LocationSettings) -> None:
    release(locations.artifacts_dir, "live", ["i"], 0)
    set_current(locations.artifacts_dir, "live")
    path = locations.artifacts_dir.parent / "changelog.db"
    SqliteEventSink(path).append(ITEM_VECTORS, [Message("i", None)])
    with closing(sqlite3.connect(path)) as file:
        file.execute('UPDATE "log_item-vectors" SET appended_at = 1.0')
        file.execute(
            'INSERT INTO "log_item-vectors" (key, value, appended_at) WITH RECURSIVE n(x) AS'
            " (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000) SELECT 'gone' || x, NULL, 1.0 FROM n"
        )
        file.commit()
    housekeeping = open_housekeeping(locations, NullMetrics(), RetentionSettings())
    for _ in range(10):
        housekeeping.do_all()
    with closing(sqlite3.connect(path)) as file:
        assert file.execute('SELECT key FROM "log_item-vectors"').fetchall() == [("i",)]


def test_a_task_that_fails_keeps_no_other_from_its_work_and_is_tried_again(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    done: list[str] = []

    def remove() -> int:
        os.unlink(blocked)
        done.append("removed")
        return 1

    def second() -> int:
        done.append("second")
        return 0

    with Housekeeping({"first": remove, "second": second}, 0.01, NullMetrics()):
        deadline = time.monotonic() + 30
        while "second" not in done:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert "removed" not in done
        blocked.write_text("now it is there")
        while "removed" not in done:
            assert time.monotonic() < deadline
            time.sleep(0.005)
