"""kill -9 at every point between a promotion's command and its end: it is carried out, once and wholly."""

import contextlib
import multiprocessing
import os
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamrec.adapters.files.roles import SnapshotRoles, set_challenger
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.opening import open_cache_publisher, open_event_source, open_trainer_store
from streamrec.adapters.sqlite.events import SqliteEventSink
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.generations.roles import Promotion
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import COMMANDS, INTERACTIONS, Message, Snapshot, VectorTable
from streamrec.process.stop import stop_on_signals
from streamrec.publishing.publisher import Sinks
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.telemetry import NullMetrics, configure_logging
from streamrec.trainer.run import run_trainer
from streamrec.trainer.trainer_process import TrainerProcess
from streamrec.wire import Command, encode_command, encode_event
from tests.e2e.processes import eventually

OLD, NEW = "old", "new"
DIMENSIONS = {OLD: 8, NEW: 4}
N_USERS, N_EVENTS = 40, 400

SETTINGS = TrainerSettings(
    lease_duration_s=0.6, status_interval_s=0.02, checkpoint_interval_s=0.1, poll_timeout_s=0.01
)

KILLED = 86

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["initial_training", "incremental_training"])

Point = tuple[str, str, int, bool]
"""A part, one of its methods, the call at which the process dies, and whether that call is done first."""

POINTS: list[Point] = [
    ("source", "commit", 2, False),  # the checkpoint counts the command as read
    ("roles", "begin", 1, True),
    ("roles", "write", 2, False),  # 1: PROMOTION at the beginning; 2: CHALLENGER, when CURRENT is written
]

MORE_POINTS: list[Point] = [
    ("roles", "begin", 1, False),
    ("source", "committed", 1, False),
    ("roles", "complete", 1, True),
]


class Dying:
    """A part whose process ends at a certain call of a method, as kill -9 ends it."""

    def __init__(self, part: Any, method: str, n_calls: int, is_done_first: bool) -> None:
        self._part, self._method, self._n_left, self._is_done_first = part, method, n_calls, is_done_first

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._part, name)
        return partial(self._call, method) if name == self._method else method

    def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        self._n_left -= 1
        if self._n_left == 0:
            if self._is_done_first:
                method(*arguments)
            os._exit(KILLED)
        return method(*arguments)


class DyingRoles(SnapshotRoles):
    """Roles whose process ends before or after the nth file is written."""

    def __init__(self, folder: Path, n_calls: int, is_done_first: bool) -> None:
        super().__init__(folder)
        self._writing = Dying(super(), "_write", n_calls, is_done_first)

    def _write(self, name: str, content: bytes) -> None:
        self._writing._write(name, content)


def train(folder: Path, point: Point | None) -> None:
    """Be the only trainer, until killed or told to stop."""
    configure_logging("ERROR", "trainer")
    part, method, n_calls, is_done_first = point or ("", "", 0, False)
    roles: Any = SnapshotRoles(folder)
    if part == "roles":
        roles = Dying(roles, method, n_calls, is_done_first)
    if method == "write":
        roles = DyingRoles(folder, n_calls, is_done_first)

    def open_source(group: str) -> Any:
        source = open_event_source(f"sqlite:///{folder}/events.db", [COMMANDS, INTERACTIONS], group)
        return Dying(source, method, n_calls, is_done_first) if part == "source" else source

    sink = SqliteEventSink(folder / "events.db")
    store = open_trainer_store(f"sqlite:///{folder}/store.db")
    cache = open_cache_publisher(f"sqlite:///{folder}/cache.db")
    run_trainer(
        TrainerProcess(
            open_source=open_source,
            sinks=Sinks(sink, SqliteEventSink(folder / "changelog.db"), store, cache),
            metrics=NullMetrics(),
            artifacts_dir=folder,
            roles=roles,
            learning=LearningSettings(),
            settings=SETTINGS,
            start="checkpoint",
            stop=stop_on_signals(),
            clock=time.time,
        )
    )


def started(folder: Path, point: Point | None) -> ForkServerProcess:
    process = processes.Process(target=train, args=(folder, point), daemon=True)  # never outlives the tests
    process.start()
    return process


def prepare(folder: Path) -> None:
    """Make two generations that know nothing, and a log with a command amid its events."""
    for slot, (generation, dimension) in enumerate(DIMENSIONS.items()):
        nothing = VectorTable([], np.zeros((0, dimension + 1), np.float32))
        write_snapshot(folder, Snapshot(generation, nothing, nothing, {}, 1.0, {}))
        state = TrainerState(generation, LearningSettings(embedding_dim=dimension), SETTINGS)
        state.changelog_slot = slot
        Checkpoints(folder, generation).write(state, {}, token=0)
    set_current(folder, OLD)
    set_challenger(folder, NEW)
    send(folder, 0)


def send(folder: Path, first: int) -> None:
    sink = SqliteEventSink(folder / "events.db")
    events = [Interaction(f"u{n % N_USERS}", f"i{n % 37}", 1e9 + n) for n in range(first, first + N_EVENTS)]
    sink.append(INTERACTIONS, [Message(event.user_id, encode_event(event)) for event in events])
    sink.close()


def command(folder: Path, name: Any, at: float) -> None:
    sink = SqliteEventSink(folder / "events.db")
    sink.append(COMMANDS, [Message("", encode_command(Command(name, at, "test")))])
    sink.close()


def generations_of_users(folder: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(folder / "store.db", timeout=30)) as store:
        return dict(store.execute("SELECT generation, count(*) FROM users GROUP BY generation"))


def n_seen(folder: Path) -> int:
    with contextlib.closing(sqlite3.connect(folder / "store.db", timeout=30)) as store:
        found: int = store.execute(
            "SELECT count(*) FROM (SELECT DISTINCT user_id, item_id FROM seen)"
        ).fetchone()[0]
        return found


def is_done(folder: Path, promotion: Promotion) -> bool:
    roles = SnapshotRoles(folder).read()
    return roles == (promotion.champion, promotion.challenger, promotion)


def wanted_pairs(n_events: int) -> int:
    return len({(n % N_USERS, n % 37) for n in range(n_events)})


@pytest.mark.parametrize(
    "point", [*POINTS, *(pytest.param(point, marks=pytest.mark.nightly) for point in MORE_POINTS)], ids=str
)
def test_a_promotion_survives_kill_9_at(point: Point, tmp_path: Path) -> None:
    prepare(tmp_path)
    promotion = Promotion("promote", NEW, OLD, at=100.0, is_done=True)
    doomed = started(tmp_path, point)
    eventually(
        lambda: (tmp_path / "store.db").exists() and wanted_pairs(N_EVENTS) == n_seen_or_none(tmp_path)
    )
    command(tmp_path, "promote", promotion.at)
    send(tmp_path, N_EVENTS)
    doomed.join(90)
    assert doomed.exitcode == KILLED
    successor = started(tmp_path, None)
    try:
        eventually(lambda: is_done(tmp_path, promotion))
        eventually(lambda: n_seen(tmp_path) == wanted_pairs(2 * N_EVENTS))
        eventually(lambda: generations_of_users(tmp_path) == {NEW: N_USERS})
        command(tmp_path, "rollback", 200.0)
        rollback = Promotion("rollback", OLD, NEW, at=200.0, is_done=True)
        eventually(lambda: is_done(tmp_path, rollback))
        eventually(lambda: generations_of_users(tmp_path) == {OLD: N_USERS})
    finally:
        successor.terminate()
        successor.join(90)
    assert successor.exitcode == 0
    assert is_done(
        tmp_path, rollback
    )  # the first command's request lies in a checkpoint: it is not done again


def n_seen_or_none(folder: Path) -> int | None:
    with contextlib.suppress(sqlite3.OperationalError):  # before its tables are there
        return n_seen(folder)
    return None
