"""A running system of the embedded default, each of its parts a process that may be killed."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psutil

from streamrec.adapters.opening import open_event_source
from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.supervision.control import Order, control_path, ordered
from streamrec.domain.experiments.exposure import Exposure, decode_exposure
from streamrec.errors import StreamrecError
from streamrec.ports import IMPRESSIONS, INTERACTIONS, Record
from streamrec.wire import decode_event

PATIENCE_S = 600.0
"""Longest time that anything may take on a busy machine before it counts as broken."""

_POLLED = 1000

ROOT = Path(__file__).parents[2]


class NotAnsweredError(Exception):
    """A request that got no answer."""


class RunningSystem:
    """`serve` in a folder of its own, and a client of it.

    Parameters
    ----------
    exposures_wait_s
        So long an answer waits at most until its list is in the log.
    """

    def __init__(self, folder: Path, exposures_wait_s: float) -> None:
        self._folder = folder
        self.port, index_port = free_port(), free_port()
        self.store_url = f"sqlite:///{folder}/store.db"
        self._events_url = f"sqlite:///{folder}/events.db"
        environment = {
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "STREAMREC_EVENTS_URL": self._events_url,
            "STREAMREC_STORE_URL": self.store_url,
            "STREAMREC_CACHE_URL": f"sqlite:///{folder}/cache.db",
            "STREAMREC_ARTIFACTS_DIR": f"{folder}/artifacts",
            "STREAMREC_EXPOSURES_WAIT_S": str(exposures_wait_s),
            # Lists are read from the store; one that comes late is filled up with others.
            "STREAMREC_SERVER_TIMEOUT_S": "30",
            "STREAMREC_ATTRIBUTION_SETTLE_S": "2",
            "STREAMREC_ATTRIBUTION_CHECKPOINT_INTERVAL_S": "1",
            "STREAMREC_ATTRIBUTION_LEASE_DURATION_S": "2",
            "STREAMREC_TRAINER_LEASE_DURATION_S": "2",
            "STREAMREC_LOG_LEVEL": "WARNING",
        }
        ports = ("--port", str(self.port), "--index-port", str(index_port))
        self._log = folder / "serve.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streamrec", "serve", *ports, "--without", "history"],
                cwd=folder,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so.

        Raises
        ------
        TimeoutError
            When it isn't for long, or the system has ended.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise TimeoutError(self._log.read_text("utf-8", "replace")[-4000:])
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Return whether it says that it is."""
        try:
            self.ask("GET", "/health/ready")
        except NotAnsweredError:
            return False
        return True

    def kill(self, part: str) -> None:
        """End a part as `kill -9` does, with all processes that it is made of."""
        pid = self._pid_of(part)
        itself = psutil.Process(pid)
        for process in (*itself.children(recursive=True), itself):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self.wait_until(lambda: self._pid_of(part) not in (0, pid))

    def _pid_of(self, part: str) -> int:
        here = Path.cwd()
        path = os.path.relpath(self._folder / control_path(self.port), here)
        return next(one.pid for one in ordered(Path(path), Order("status")) if one.name == part)

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Any:  # noqa: ANN401  # JSON
        """Return the decoded answer to a request.

        Raises
        ------
        NotAnsweredError
            When there is none, or one that says later.
        ValueError
            When it is refused.
        """
        request = urllib.request.Request(  # noqa: S310  # of ours
            f"http://127.0.0.1:{self.port}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", **(headers or {})},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60.0) as answer:  # noqa: S310  # of ours
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                raise ValueError(f"{method} {path}: {error.read().decode('utf-8', 'replace')}") from error
            raise NotAnsweredError(str(error)) from error
        except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
            raise NotAnsweredError(repr(error)) from error

    def patiently(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Any:  # noqa: ANN401  # JSON
        """Return the answer to a request that is repeated until there is one."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.ask(method, path, body, headers)
            except NotAnsweredError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def recommended(self, user_id: str, request_id: str, k: int) -> Any:  # noqa: ANN401  # JSON
        """Return the answer for a user, what the user has seen included."""
        path = f"/v1/recommendations?user_id={quote(user_id, safe='')}&k={k}&exclude_seen=false"
        return self.patiently("GET", path, headers={"X-Request-ID": request_id})

    def exposures(self) -> list[Exposure]:
        """Return all lists that are written down."""
        return [decode_exposure(record.value) for record in self._records(IMPRESSIONS)]

    def arrivals(self) -> dict[str, float]:
        """Return event id -> Unix seconds in which the event came first."""
        arrivals: dict[str, float] = {}
        for record in self._records(INTERACTIONS):
            event = decode_event(record.value, record.timestamp)
            arrivals.setdefault(event.event_id or "", record.timestamp)
        return arrivals

    def _records(self, topic: str) -> Iterator[Record]:
        source = open_event_source(self._events_url, [topic], "benchmark")
        try:
            source.seek({})
            while records := source.poll(_POLLED, 0.0):
                yield from records
        except StreamrecError as error:
            raise TimeoutError(f"the log can't be read: {error}") from error
        finally:
            source.close()


@contextmanager
def started(folder: Path, exposures_wait_s: float) -> Iterator[RunningSystem]:
    """Start a system in an empty folder, and wait until it answers."""
    with RunningSystem(folder, exposures_wait_s) as system:
        system.wait_until(system.is_ready)
        yield system
