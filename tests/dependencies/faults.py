"""Each fault of each dependency: how it comes, and how it is mended."""

import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from streamrec.cli.launch.local_servers import free_port
from tests.dependencies.system import LOOPS, System
from tests.e2e.processes import eventually
from tests.forwarder import Way

_STEPPED_DOWN_S = 86_400


class Fault(NamedTuple):
    """Something that is amiss with a dependency; `undo` mends it."""

    dependency: str
    name: str
    do: Callable[[], Any]
    undo: Callable[[], Any]

    @property
    def key(self) -> str:
        """Both names."""
        return f"{self.dependency}: {self.name}"


WAYS = {
    Way.REFUSING: "down",
    Way.SLOW: "answers 5 s late",
    Way.GARBLED: "answers garbage",
    Way.SILENT: "accepts and never answers",
    Way.RESETTING: "resets in the middle of an answer",
}


def faults(system: System) -> dict[str, Fault]:
    """Return all faults by their keys."""
    of_servers = (_of_the_ways, _of_mongodb, _of_redis, _of_processes)
    kinds = (_of_files,) if system.servers is None else of_servers
    return {fault.key: fault for kind in kinds for fault in kind(system)}


def _of_the_ways(system: System) -> Iterator[Fault]:
    for dependency, forwarder in system.ways.items():
        for way, name in WAYS.items():
            yield Fault(
                dependency,
                name,
                partial(setattr, forwarder, "way", way),
                partial(setattr, forwarder, "way", Way.OPEN),
            )


def _of_mongodb(system: System) -> Iterator[Fault]:
    def step_down() -> None:
        with system.mongodb() as client:
            client.admin.command("replSetStepDown", _STEPPED_DOWN_S, force=True)
            eventually(lambda: not client.admin.command("hello")["isWritablePrimary"])

    def step_up() -> None:
        with system.mongodb() as client:
            client.admin.command("replSetFreeze", 0)
            eventually(lambda: client.admin.command("hello")["isWritablePrimary"])

    def stall() -> None:
        with system.mongodb() as client:
            client.admin.command("fsync", lock=True)

    def go_on() -> None:
        with system.mongodb() as client:
            client.admin.command("fsyncUnlock")

    yield Fault("mongodb", "refuses writes: a member that is no primary", step_down, step_up)
    yield Fault("mongodb", "holds writes: its disk stands still", stall, go_on)


def _of_redis(system: System) -> Iterator[Fault]:
    def told(*commands: tuple[object, ...]) -> Callable[[], None]:
        def tell() -> None:
            with system.redis() as client:
                for command in commands:
                    client.execute_command(*command)

        return tell

    folder = system.folder / "disk"

    def fill_disk() -> None:
        folder.mkdir()
        told(("CONFIG", "SET", "dir", str(folder)), ("CONFIG", "SET", "save", "3600 1000000"))()
        shutil.rmtree(folder)
        told(("BGSAVE",))()
        with system.redis() as client:
            eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")

    yield Fault(
        "redis",
        "refuses writes: a read-only replica",
        told(("REPLICAOF", "127.0.0.1", free_port())),
        told(("REPLICAOF", "NO", "ONE")),
    )
    yield Fault(
        "redis",
        "refuses writes: out of memory",
        told(("CONFIG", "SET", "maxmemory", 1)),
        told(("CONFIG", "SET", "maxmemory", 0)),
    )
    yield Fault("redis", "refuses writes: its disk is full", fill_disk, told(("CONFIG", "SET", "save", "")))


def _of_files(system: System) -> Iterator[Fault]:
    held: list[sqlite3.Connection] = []

    def limit(n_bytes: int | None) -> None:
        for process in system.processes.values():
            process.limit_files(n_bytes)

    def hold(name: str) -> None:
        held.append(sqlite3.connect(system.folder / f"{name}.db", isolation_level=None))
        held[-1].execute("BEGIN IMMEDIATE")

    def let_go() -> None:
        while held:
            held.pop().close()

    yield Fault("SQLite files", "refuse writes: the disk is full", lambda: limit(0), lambda: limit(None))
    for name in ("events", "store", "cache"):
        yield Fault("SQLite files", f"{name}.db is held by another writer", partial(hold, name), let_go)


def _of_processes(system: System) -> Iterator[Fault]:
    trainer = system.processes["trainer"]

    def limit(n_bytes: int | None) -> None:
        for name in LOOPS:
            system.processes[name].limit_files(n_bytes)

    yield Fault("trainer", "down", lambda: trainer.end(signal.SIGKILL), trainer.start)
    yield Fault(
        "trainer",
        "stands still, beyond its lease",
        lambda: trainer.running.send_signal(signal.SIGSTOP),
        lambda: trainer.running.send_signal(signal.SIGCONT),
    )
    yield Fault("disk of the loops", "full", lambda: limit(0), lambda: limit(None))
