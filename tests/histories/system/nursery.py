"""Process that has imported everything once, and forks our processes, which begin in a blink.

Their clock is that of the machine plus what stands in a file: whoever writes another number makes it jump.

``python -m tests.histories.system.nursery`` reads orders as lines of JSON, and answers each with one.
"""

import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from tests.histories.system.planted import FAULTS


class Order(msgspec.Struct):
    """A process to start; or, with a `pid`, one to look after.

    Attributes
    ----------
    work
        A key of `WORKS`.
    clock
        File with the seconds that its clock is ahead, as a double; empty: none.
    planted
        A key of `FAULTS`; empty: none.
    """

    pid: int = 0
    work: str = ""
    arguments: list[str] = []
    environment: dict[str, str] = {}
    folder: str = ""
    log: str = ""
    clock: str = ""
    planted: str = ""


_HEEDED_BY_OTHERS = (signal.SIGINT, signal.SIGTERM)

_machine_time = time.time
_ahead = memoryview(bytearray(8)).cast("d")


def _clock() -> float:
    return _machine_time() + _ahead[0]


_IMPORTED = (
    *("initial_training", "incremental_training", "typer", "gunicorn.app.wsgiapp", "streamrec.web.worker"),
    *("faiss_server.app", "faiss_server.following", "recommender_server.app"),
    *(f"streamrec.adapters.{name}.store" for name in ("mongo", "sqlite")),
    *(f"streamrec.adapters.{name}.cache" for name in ("redis", "sqlite")),
    *(
        "streamrec.adapters.kafka.source",
        "streamrec.adapters.kafka.sink",
        "streamrec.adapters.index_http.client",
    ),
    *(f"streamrec.cli.training.{name}" for name in ("attribution", "bars")),
    "streamrec.experiments.results",
)


def _preload() -> None:
    """Import what takes long; whoever keeps a reference to the clock keeps ours."""
    time.time = _clock
    for name in _IMPORTED:
        import_module(name)
    from streamrec.serving.sources.warm_up import warm_up

    warm_up()


def _train() -> None:
    import typer

    import incremental_training

    typer.run(incremental_training.main)


def _train_initially() -> None:
    import typer

    import initial_training

    typer.run(initial_training.main)


def _serve() -> None:
    from gunicorn.app.wsgiapp import run

    run()


def _keep_bars() -> None:
    from streamrec.cli.training.bars import history

    history()


def _attribute() -> None:
    from streamrec.cli.training.attribution import attribution

    attribution()


WORKS: dict[str, Callable[[], None]] = {
    "trainer": _train,
    "initial training": _train_initially,
    "service": _serve,
    "bars": _keep_bars,
    "attribution": _attribute,
}


def _become(order: Order) -> None:
    """Do an order's work as a process of its own, with its group, log, folder, environment and clock."""
    global _ahead  # noqa: PLW0603  # the clock of this process
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEEDED_BY_OTHERS)
    log = os.open(order.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, theirs)
    os.chdir(order.folder)
    os.environ.update(order.environment)
    if order.clock:
        with Path(order.clock).open("r+b") as file:
            _ahead = memoryview(mmap.mmap(file.fileno(), 8)).cast("d")
    sys.argv = [order.work, *order.arguments]
    FAULTS[order.planted]()
    WORKS[order.work]()


def _look_after(pid: int) -> dict[str, Any]:
    """Return how a process ended; None: it has not."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return {"exit_code": os.waitstatus_to_exitcode(status) if ended else None}


def main() -> None:
    """Follow orders until there are no more; then end all that was started.

    Signals do not end it: those of a terminal, or of who ends the tests, would leave what it started behind.
    """
    for number in _HEEDED_BY_OTHERS:
        signal.signal(number, signal.SIG_IGN)
    _preload()
    started: list[int] = []
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    answers.write(b'"ready"\n')
    for line in iter(sys.stdin.buffer.readline, b""):
        order = msgspec.json.decode(line, type=Order)
        if order.pid:
            answers.write(msgspec.json.encode(_look_after(order.pid)) + b"\n")
            continue
        # A signal that comes before the child heeds it waits, and is not ignored as it is here.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEEDED_BY_OTHERS)
        pid = os.fork()
        if not pid:
            answers.close()
            _become(order)
            return
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEEDED_BY_OTHERS)
        with suppress(OSError):  # the child does it, too: whoever is first
            os.setpgid(pid, pid)
        started.append(pid)
        answers.write(msgspec.json.encode({"pid": pid}) + b"\n")
    for pid in started:
        with suppress(ProcessLookupError, ChildProcessError):
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
