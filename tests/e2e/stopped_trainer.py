"""A trainer that stops itself, as SIGSTOP stops it, between its look at the lease and a write."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple

from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.opening import (
    open_cache_publisher,
    open_event_sink,
    open_event_source,
    open_trainer_store,
)
from streamrec.errors import StreamrecError
from streamrec.learning.state import checkpoints
from streamrec.ports import COMMANDS, INTERACTIONS, ITEM_VECTORS, USER_VECTORS, Lease
from streamrec.process.stop import stop_on_signals
from streamrec.publishing.publisher import Sinks
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.telemetry import NullMetrics, configure_logging
from streamrec.trainer.run import run_trainer
from streamrec.trainer.trainer_process import TrainerProcess

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["initial_training", "incremental_training"])


class Places(NamedTuple):
    """Where one system's parts are."""

    events: str
    vectors: str
    store: str
    cache: str


class Kind(NamedTuple):
    """A kind of write: a part's method, and which of its calls are meant."""

    part: str
    method: str
    is_meant: Callable[..., bool] = lambda *_: True


KINDS = {
    "users": Kind("store", "publish_users", lambda updates, _: bool(updates.states and updates.seen)),
    "forgotten users": Kind("store", "forget_users"),
    "item vectors": Kind("vectors", "append", lambda topic, some, *_: topic == ITEM_VECTORS and bool(some)),
    "user vectors": Kind("vectors", "append", lambda topic, *_: topic == USER_VECTORS),
    "popularity": Kind("cache", "publish_popular", lambda rankings: any(rankings.values())),
    "names of rankings": Kind("cache", "drop_popular_but"),
    "neighbours": Kind("cache", "publish_neighbours", lambda neighbours: any(neighbours.values())),
    "blend": Kind("cache", "publish_blend"),
    "counters": Kind("cache", "publish_counters"),
    "rejected": Kind("events", "append", lambda _, some: bool(some)),
    "checkpoint": Kind("checkpoints", "put_in_place"),
    "commit": Kind("source", "commit"),
    "begin a promotion": Kind("roles", "begin"),
    "complete a promotion": Kind("roles", "complete"),
}


class Gate:
    """Where threads stand before their writes until all that are waited for are there: then all is stopped.

    No other call of a part is under way then: a process that is stopped in a transaction would hold up all
    others, which is not what is looked at here.
    """

    def __init__(self, folder: Path, kinds: Collection[str]) -> None:
        self._folder = folder
        self._missing = set(kinds)
        self._changed = threading.Condition()
        self._n_calls = 0
        self._is_over = False
        self._here = threading.local()

    def over(self, part: Any, name: str) -> Any:
        """Return a part whose writes stand here."""
        return _Gated(part, partial(self.call, name))

    def looking(self, look: Callable[..., Any]) -> Callable[..., Any]:
        """Return a look at the lease after which its thread stands here, if its write is meant."""

        def looked(*arguments: Any) -> Any:
            found = look(*arguments)
            kind, self._here.kind = getattr(self._here, "kind", None), None
            if kind is not None:
                self._stand(kind)
            return found

        return looked

    def call(self, part: str, name: str, method: Callable[..., Any], *arguments: Any) -> Any:
        """Call a method; one that is meant stands here first, or behind its own look at the lease."""
        kind = self._kind(part, name, arguments)
        with self._counted():
            if kind is None:
                return method(*arguments)
            if part == "cache" or hasattr(getattr(method, "__self__", None), "_leases"):
                self._here.kind = kind
            else:
                self._stand(kind)
            try:
                found = method(*arguments)
            except StreamrecError as error:
                self._tell(kind, f"{type(error).__name__}: {error}")
                raise
            self._tell(kind, "written")
            return found

    def _kind(self, part: str, name: str, arguments: Any) -> str | None:
        if not self._missing or not (self._folder / "armed").exists():
            return None
        with self._changed:
            for kind in sorted(self._missing):
                if KINDS[kind][:2] == (part, name) and KINDS[kind].is_meant(*arguments):
                    return kind
        return None

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, n: int) -> None:
        with self._changed:
            self._n_calls += n
            self._changed.notify_all()

    def _stand(self, kind: str) -> None:
        self._count(-1)
        with self._changed:
            self._missing.discard(kind)
            if not self._missing:
                self._changed.wait_for(lambda: self._n_calls == 0)
                # To this thread: else it could go on for a while, until another one has taken the signal.
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
                self._is_over = True
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_over)
        self._count(1)

    def _tell(self, kind: str, outcome: str) -> None:
        path = self._folder / f"{kind}.unfinished"
        path.write_text(outcome)
        path.rename(outcome_path(self._folder, kind))


class _Gated:
    def __init__(self, part: Any, call: Callable[..., Any]) -> None:
        self._part, self._call = part, call

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        return partial(self._call, name, found) if callable(found) else found


def outcome_path(folder: Path, kind: str) -> Path:
    """Return where a trainer says what became of a write that it was stopped before."""
    return folder / f"{kind}.outcome"


def train(folder: Path, places: Places, name: str, kinds: Collection[str], settings: TrainerSettings) -> None:
    """Be a trainer until told to stop; stand still once before the kinds of writes that are named."""
    log = os.open(folder / f"{name}.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 2)
    configure_logging("INFO", "trainer")
    gate = Gate(folder, kinds)
    store, cache = open_trainer_store(places.store), open_cache_publisher(places.cache)
    if leases := getattr(store, "_leases", None):
        leases.check = gate.looking(leases.check)  # MongoDB's store looks by itself

    def write_under(lease: Callable[[], Lease]) -> None:
        type(cache).write_under(cache, gate.looking(lease))

    cache.write_under = write_under  # type: ignore[method-assign]
    put = partial(gate.call, "checkpoints", "put_in_place", vars(checkpoints)["put_in_place"])
    vars(checkpoints)["put_in_place"] = put

    def open_source(group: str) -> Any:
        return gate.over(open_event_source(places.events, [COMMANDS, INTERACTIONS], group), "source")

    run_trainer(
        TrainerProcess(
            open_source=open_source,
            sinks=Sinks(
                gate.over(open_event_sink(places.events), "events"),
                gate.over(open_event_sink(places.vectors), "vectors"),
                gate.over(store, "store"),
                gate.over(cache, "cache"),
            ),
            metrics=NullMetrics(),
            artifacts_dir=folder,
            roles=gate.over(SnapshotRoles(folder), "roles"),
            learning=LearningSettings(),
            settings=settings,
            start="checkpoint",
            stop=stop_on_signals(),
            clock=time.time,
        )
    )


def started(
    folder: Path, places: Places, name: str, settings: TrainerSettings, kinds: Collection[str] = ()
) -> ForkServerProcess:
    """Start a trainer in a process of its own."""
    process = processes.Process(target=train, args=(folder, places, name, kinds, settings), daemon=True)
    process.start()
    return process
