"""SIGSTOP for longer than the lease, between a look at it and a write: nothing newer is overwritten.

What is not fenced, for it needs no fence: a record of the rejected topic is appended once more; a commit says
too little until the next one. A checkpoint under an older token would never be the newest; one that is not in
place yet its successor has removed.
"""

import asyncio
import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
import pymongo
import pytest
import redis

from faiss_server.changes import ChangeApplier
from models.checkpoint import checkpoint_folders
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.adapters.files.roles import SnapshotRoles, set_challenger
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.opening import open_event_sink, open_event_source, open_store, open_trainer_store
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.generations.roles import Promotion
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import COMMANDS, INTERACTIONS, ITEM_VECTORS, Message, Snapshot, VectorTable, n_between
from streamrec.promotion.roles import LEASE_NAME
from streamrec.serving.catalog import Catalog
from streamrec.serving.guard import Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.telemetry import NullMetrics
from streamrec.wire import Command, encode_command, encode_event
from tests.e2e.processes import eventually
from tests.e2e.stopped_trainer import Places, outcome_path, started

OLD, NEW = "old", "new"
USERS = [f"u{number}" for number in range(20)]
ERASED = "erased"
N_EACH = 10

PACE: dict[str, Any] = {"status_interval_s": 0.02, "poll_timeout_s": 0.01, "user_publish_interval_s": 0.05}

OUTCOMES = {"checkpoint": "Unavailable", "commit": "written", "rejected": "written"}
"""Of what is not fenced; all else ends with the lease."""

CASES = [
    ("users", "item vectors", "user vectors", "popularity", "neighbours"),
    ("forgotten users", "counters"),
    ("checkpoint",),
]
MORE_CASES = [("blend",), ("names of rankings",), ("commit",), ("rejected",)]


@pytest.fixture
def embedded(tmp_path: Path) -> Places:
    """Everything in SQLite files."""
    return Places(*(f"sqlite:///{tmp_path}/{name}.db" for name in ("events", "changelog", "store", "cache")))


class System:
    """A system that two trainers work on, one after the other."""

    def __init__(self, folder: Path, places: Places, *, has_challenger: bool = False) -> None:
        self.folder, self.places = folder, places
        self._n_sent = 0
        self._processes: list[ForkServerProcess] = []
        for slot, generation in enumerate([OLD, NEW] if has_challenger else [OLD]):
            nothing = VectorTable([], np.zeros((0, 9), np.float32))
            write_snapshot(folder, Snapshot(generation, nothing, nothing, {}, 1.0, {}))
            state = TrainerState(generation, LearningSettings(embedding_dim=8), TrainerSettings())
            state.changelog_slot = slot
            Checkpoints(folder, generation).write(state, {}, token=0)
        set_current(folder, OLD)
        if has_challenger:
            set_challenger(folder, NEW)

    def start(self, name: str, settings: TrainerSettings, *kinds: str) -> ForkServerProcess:
        self._processes.append(started(self.folder, self.places, name, settings, kinds))
        return self._processes[-1]

    def append(self, topic: str, *messages: Message) -> None:
        with contextlib.closing(open_event_sink(self.places.events)) as sink:
            sink.append(topic, messages)

    def send(self, *user_ids: str) -> None:
        """Send ten events of each user."""
        for number in range(N_EACH):
            events = [
                Interaction(user, f"i{(7 * row + number) % 30}", 1e9 + self._n_sent + number)
                for row, user in enumerate(user_ids)
            ]
            self.append(INTERACTIONS, *(Message(event.user_id, encode_event(event)) for event in events))
        self._n_sent += N_EACH

    def command(self, name: Any, at: float) -> None:
        self.append(COMMANDS, Message("", encode_command(Command(name, at, "test"))))

    def erase(self, user_id: str) -> None:
        """Erase a user as the recommender does."""

        async def erase() -> None:
            store = open_store(self.places.store)
            with contextlib.closing(open_event_sink(self.places.events)) as sink:
                guard = Guard("any", 5.0, NullMetrics())
                reader = ItemReader(MemoryCache(), guard, store, guard, NullMetrics())
                await Catalog(store, reader, sink, AcceptedChoices()).erase_user(user_id)
            await store.aclose()

        asyncio.run(erase())

    def wait_until_free(self) -> None:
        """Wait until the lease of whoever was stopped has run out."""
        with contextlib.closing(open_trainer_store(self.places.store)) as store:
            lease = eventually(lambda: store.acquire(LEASE_NAME, "the test", 60.0, time.time()))
            assert lease is not None
            store.release(lease)

    def n_events(self) -> dict[str, int]:
        async def read() -> dict[str, int]:
            store = open_store(self.places.store)
            documents = await store.get_users([*USERS, ERASED])
            await store.aclose()
            states = {user: document.state for user, document in documents.items()}
            return {user: state.n_events for user, state in states.items() if state is not None}

        return asyncio.run(read())

    def is_checkpointed(self, generation: str = OLD) -> bool:
        """Return whether the newest checkpoint holds the whole log: all before it is published then."""
        topics = [COMMANDS, INTERACTIONS]
        with contextlib.closing(open_event_source(self.places.events, topics, "test")) as source:
            return Checkpoints(self.folder, generation).offsets_of_all({})[0] == source.end_offsets()

    def committed(self) -> Any:
        topics = [COMMANDS, INTERACTIONS]
        with contextlib.closing(open_event_source(self.places.events, topics, LEASE_NAME)) as source:
            return source.committed(), source.end_offsets()

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.join(60)


@contextlib.contextmanager
def working(system: System) -> Iterator[System]:
    try:
        yield system
    finally:
        system.close()


def is_stopped(process: ForkServerProcess) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def signal_to(process: ForkServerProcess, number: signal.Signals) -> None:
    assert process.pid is not None
    os.kill(process.pid, number)


def stop_at_rest(process: ForkServerProcess, files: list[Path]) -> None:
    """Stop a process while it is in no transaction."""

    def is_at_rest() -> bool:
        signal_to(process, signal.SIGSTOP)
        eventually(lambda: is_stopped(process))
        try:
            for path in files:
                with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection:
                    connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            signal_to(process, signal.SIGCONT)
            return False
        return True

    eventually(is_at_rest)


def everything_in(folder: Path) -> dict[str, Any]:
    """Return what stands in all files of SQLite, who is what, and which checkpoints are newest."""
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*.db")):
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                found[f"{path.name}: {table}"] = connection.execute(f'SELECT * FROM "{table}"').fetchall()
    for name in ("CURRENT", "CHALLENGER", "PROMOTION", ".role_tokens"):
        path = folder / name
        found[name] = path.read_bytes() if path.exists() else None
    for generation in (OLD, NEW):
        found[f"checkpoint of {generation}"] = checkpoint_folders(folder / "checkpoints" / generation)[:1]
    return found


def is_cached(found: dict[str, Any]) -> bool:
    """Return whether the trainer that holds the lease has written every kind of thing into the cache."""
    tokens = {name: token for name, _, token, _ in found["store.db: leases"]}
    return dict(found["cache.db: fences"]).get(LEASE_NAME) == tokens[LEASE_NAME] and all(
        found[f"cache.db: {table}"] for table in ("popular", "neighbours", "blend", "counters")
    )


def settings_of(lease_duration_s: float, checkpoint_interval_s: float) -> TrainerSettings:
    return TrainerSettings(
        lease_duration_s=lease_duration_s, checkpoint_interval_s=checkpoint_interval_s, **PACE
    )


def said(folder: Path, name: str, words: str) -> bool:
    path = folder / f"{name}.log"
    return path.exists() and words in path.read_text("utf-8", "replace")


def outcome(folder: Path, kind: str) -> str:
    path = outcome_path(folder, kind)
    eventually(path.exists)
    return path.read_text()


def leave_out(found: dict[str, Any], kinds: tuple[str, ...]) -> dict[str, Any]:
    """Leave out what a commit, or a record that is rejected once more, may change."""
    allowed = {"commit": ["committed"], "rejected": ["interactions.rejected", "sqlite_sequence"]}
    words = [word for kind in kinds for word in allowed.get(kind, [])]
    return {name: rows for name, rows in found.items() if not any(word in name for word in words)}


@pytest.mark.parametrize(
    "kinds", [*CASES, *(pytest.param(case, marks=pytest.mark.nightly) for case in MORE_CASES)], ids=str
)
def test_a_trainer_that_was_stopped_overwrites_nothing(
    kinds: tuple[str, ...], tmp_path: Path, embedded: Places
) -> None:
    files = [tmp_path / f"{name}.db" for name in ("events", "changelog", "store", "cache")]
    with working(System(tmp_path, embedded)) as system:
        is_of_checkpoints = bool({"checkpoint", "commit"} & set(kinds))
        system.send(*USERS, ERASED)
        if "rejected" in kinds:
            system.append(INTERACTIONS, Message("key", b"no event"))
        if "forgotten users" not in kinds:
            (tmp_path / "armed").touch()
        stopped = system.start("stopped", settings_of(1.5, 0.1 if is_of_checkpoints else 3600.0), *kinds)
        if "forgotten users" in kinds:
            eventually(lambda: system.n_events() == dict.fromkeys([*USERS, ERASED], N_EACH))
            (tmp_path / "armed").touch()
            system.erase(USERS[0])
        eventually(lambda: is_stopped(stopped))
        system.wait_until_free()

        successor = system.start("successor", settings_of(120.0, 0.1))
        system.erase(ERASED)
        system.send(*USERS)
        wanted = dict.fromkeys(USERS, 2 * N_EACH)
        if "forgotten users" in kinds:
            wanted[USERS[0]] = N_EACH  # erased, and back
        eventually(lambda: system.n_events() == wanted and system.is_checkpointed())
        eventually(lambda: is_cached(everything_in(tmp_path)))
        stop_at_rest(successor, files)
        before = everything_in(tmp_path)

        signal_to(stopped, signal.SIGCONT)
        outcomes = {kind: outcome(tmp_path, kind) for kind in kinds}
        eventually(lambda: said(tmp_path, "stopped", "lease_lost"))
        eventually(lambda: said(tmp_path, "stopped", "standing_by"))
        after = everything_in(tmp_path)
        for kind, became in outcomes.items():
            assert became.startswith(OUTCOMES.get(kind, "LeaseLost")), outcomes
        assert leave_out(after, kinds) == leave_out(before, kinds)

        signal_to(successor, signal.SIGCONT)
        successor.terminate()
        successor.join(90)
        assert successor.exitcode == 0
        system.send(*USERS)  # for the one that was stopped, who takes over
        wanted = {user: n + N_EACH for user, n in wanted.items()}
        eventually(lambda: system.n_events() == wanted)
        stopped.terminate()
        stopped.join(90)
        assert stopped.exitcode == 0
        assert system.n_events() == wanted
        committed, ends = system.committed()
        assert committed == ends


@pytest.mark.parametrize(
    "kind", ["begin a promotion", pytest.param("complete a promotion", marks=pytest.mark.nightly)]
)
def test_a_trainer_that_was_stopped_says_no_more_who_is_champion(
    kind: str, tmp_path: Path, embedded: Places
) -> None:
    with working(System(tmp_path, embedded, has_challenger=True)) as system:
        (tmp_path / "armed").touch()
        stopped = system.start("stopped", settings_of(1.5, 0.1), kind)
        system.send(*USERS)
        system.command("promote", 100.0)
        eventually(lambda: is_stopped(stopped))
        system.wait_until_free()
        successor = system.start("successor", settings_of(120.0, 0.1))
        promotion = Promotion("promote", NEW, OLD, at=100.0, is_done=True)
        eventually(lambda: SnapshotRoles(tmp_path).read() == (NEW, OLD, promotion))
        system.command("rollback", 200.0)
        rollback = Promotion("rollback", OLD, NEW, at=200.0, is_done=True)
        eventually(lambda: SnapshotRoles(tmp_path).read() == (OLD, NEW, rollback))
        signal_to(stopped, signal.SIGCONT)
        assert outcome(tmp_path, kind).startswith("LeaseLost")
        eventually(lambda: said(tmp_path, "stopped", "lease_lost"))
        assert SnapshotRoles(tmp_path).read() == (OLD, NEW, rollback)
        for process in (successor, stopped):
            process.terminate()
            process.join(90)
            assert process.exitcode == 0
        assert SnapshotRoles(tmp_path).read() == (OLD, NEW, rollback)


def everything_served_by(places: Places) -> dict[str, Any]:
    """Return all documents of users, all values of the cache, and the vectors that a new index server has."""
    with pymongo.MongoClient[dict[str, Any]](places.store) as client:
        found: dict[str, Any] = {
            name: sorted(map(str, client.get_default_database()[name].find())) for name in ("users", "seen")
        }
    with contextlib.closing(redis.Redis.from_url(places.cache)) as cache:
        found["cache"] = {key: cache.dump(key) for key in cache.scan_iter()}
    index = FaissIndex(9)
    applier = ChangeApplier(index, OLD, 1.0, NullMetrics())
    with contextlib.closing(open_event_source(places.vectors, [ITEM_VECTORS], "test")) as source:
        while n_between(source.next_offsets(), source.end_offsets()):
            applier.apply_vectors(source.poll(1000, 1.0))
    item_ids, vectors = index.vectors_of([f"i{number}" for number in range(30)])
    return found | {"index": dict(zip(item_ids, vectors.tolist(), strict=True))}


@pytest.mark.nightly
def test_on_servers_a_trainer_that_was_stopped_overwrites_nothing(
    tmp_path: Path, kafka_url: str, mongo_url: str, redis_url: str
) -> None:
    kinds = ("users", "item vectors", "popularity", "neighbours")
    with working(System(tmp_path, Places(kafka_url, kafka_url, mongo_url, redis_url))) as system:
        system.send(*USERS, ERASED)
        (tmp_path / "armed").touch()
        stopped = system.start("stopped", settings_of(3.0, 3600.0), *kinds)
        eventually(lambda: is_stopped(stopped))
        system.wait_until_free()
        successor = system.start("successor", settings_of(120.0, 0.1))
        system.erase(ERASED)
        system.send(*USERS)
        wanted = dict.fromkeys(USERS, 2 * N_EACH)
        eventually(lambda: system.n_events() == wanted and system.is_checkpointed())
        eventually(lambda: all(everything_served_by(system.places).values()))
        signal_to(successor, signal.SIGSTOP)
        eventually(lambda: is_stopped(successor))
        before = everything_served_by(system.places)
        signal_to(stopped, signal.SIGCONT)
        outcomes = {kind: outcome(tmp_path, kind) for kind in kinds}
        eventually(lambda: said(tmp_path, "stopped", "standing_by"))
        assert everything_served_by(system.places) == before
        assert outcomes.pop("item vectors") == "written", "a broker compares no tokens: index servers do"
        assert all(became.startswith("LeaseLost") for became in outcomes.values()), outcomes
        assert len(before["index"]) == 30
