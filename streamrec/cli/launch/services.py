"""The services of a Procfile as one thing that is started, watched and stopped."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO, NamedTuple

from streamrec.cli.choices import PortSettings
from streamrec.cli.installation import command_line, import_rules
from streamrec.cli.launch.process_group import KILL_AFTER_S
from streamrec.cli.service_call import Service
from streamrec.errors import ConfigurationError, StreamrecError, Unavailable

_N_LAST_LINES = 15

_LONGEST_LOG = 10_000_000
"""Bytes; there are two such files at most."""

_LOG_LOOK_S = 10.0

_STOPPED = " stopped (rc="
"""Words of honcho when a process has ended."""

_ENDING_S = 5.0
"""One that ended stops answering at once, and the others take so long to end with it."""


class Listener(NamedTuple):
    """A port of this machine that one of the services is to have, and the variable that chooses another."""

    port: int
    service: str
    variable: str


class Services:
    """Index server, recommender, trainer and item histories, with one log.

    Parameters
    ----------
    procfile
        What to run.
    log_path
        Where their output goes; that of the run before is kept as ``<name>.1``.
    ports
        Where the servers are to listen.
    """

    target = "run"
    """The command that starts them."""

    where_it_would_be = "name another one, or leave out --procfile to run ours"
    """Said when there is nothing that says how to run them."""

    stop_patience_s = KILL_AFTER_S + 10.0
    """After so long their parent is killed; it kills a service that does not end, before."""

    sign_of_force = "SIGKILL"
    """Stands in the log when a service did not end by itself."""

    def __init__(self, procfile: Path, log_path: Path, ports: PortSettings) -> None:
        self.configuration = procfile
        self.log_path = log_path
        self._ports = ports
        self.recommender = Service(ports.recommender_url)
        self.index = Service(ports.index_url)
        self._group: subprocess.Popen[bytes] | None = None

    @property
    def is_started(self) -> bool:
        """True where there is something to stop."""
        return self._group is not None

    @property
    def servers(self) -> Sequence[Service]:
        """The ones to ask whether they are ready."""
        return (self.recommender, self.index)

    @property
    def listeners(self) -> Sequence[Listener]:
        """The ports that are needed."""
        return (
            Listener(self._ports.recommender_port, "recommender", "RECOMMENDER_PORT"),
            Listener(self._ports.index_port, "index server", "INDEX_PORT"),
        )

    @property
    def environment(self) -> dict[str, str]:
        """Variables that they find in their environment beside ours."""
        folder = str(Path(sys.executable).parent)
        return {
            # `python` and `gunicorn` of the Procfile are those of this environment.
            "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONUNBUFFERED": "1",
            **import_rules(),
            "INDEX_PORT": str(self._ports.index_port),
            "RECOMMENDER_PORT": str(self._ports.recommender_port),
            "STREAMREC_INDEX_URL": self._ports.index_url,
        }

    def command(self) -> list[str]:
        """Return what runs them all, and ends with its standard input."""
        return [sys.executable, "-m", "streamrec.cli.launch.process_group", str(self.configuration)]

    def where(self) -> list[str]:
        """Return lines for people: where what is found."""
        return [
            f"Recommender   {self.recommender.url}  (try it out: {self.recommender.url}/docs)",
            f"Index server  {self.index.url}/v1/stats",
            f"Log           {self.log_path}",
        ]

    def check_ports(self) -> None:
        """Make sure that the ports are free.

        Raises
        ------
        ConfigurationError
            When one is not; says which variable chooses another.
        """
        for listener in self.listeners:
            check_port(*listener, target=self.target)

    def start(self) -> None:
        """Start all, with our environment.

        Raises
        ------
        ConfigurationError
            When what says how to run them is not here.
        """
        if not self.configuration.is_file():
            missing = self.configuration
            raise ConfigurationError(f"there is no {missing} here: {self.where_it_would_be}")
        with self._open_log() as log:
            self._group = subprocess.Popen(
                self.command(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        Thread(target=self._keep_log_short, name="log", daemon=True).start()

    def have_ended(self) -> bool:
        """Return whether they were started and run no more."""
        return self._group is not None and self._group.poll() is not None

    def check(self) -> None:
        """Make sure that all run.

        Raises
        ------
        Unavailable
            When one has ended (which ends all), with the last lines of the log.
        """
        if self.have_ended():
            raise Unavailable(
                f"a service ended, so all were stopped. The end of {self.log_path}:\n{self._last_lines()}"
            )

    def cause_of(self, error: StreamrecError) -> StreamrecError:
        """Return why a call to one of them failed: when they end, their last words say more than it does."""
        deadline = time.monotonic() + _ENDING_S
        # Where one has stopped already, the end of all is sure to come: those that don't end are killed.
        while error.retriable and (time.monotonic() < deadline or _STOPPED in self._last_lines()):
            try:
                self.check()
            except Unavailable as end:
                return end
            time.sleep(0.1)
        return error

    def stop(self) -> bool:
        """Ask all to end, wait for it, and return whether they all ended by themselves."""
        if self._group is None:
            return True
        if self._group.poll() is None:
            self._group.send_signal(signal.SIGTERM)
        if self._group.stdin is not None:
            self._group.stdin.close()
        try:
            self._group.wait(self.stop_patience_s)
        except subprocess.TimeoutExpired:
            self._group.kill()
            self._group.wait()
            return False
        return self.sign_of_force not in self.log_path.read_text("utf-8", "replace")

    def _open_log(self) -> IO[bytes]:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        if self.log_path.exists():
            self.log_path.replace(self.log_path.with_name(self.log_path.name + ".1"))
        return self.log_path.open("ab")  # always at the end, wherever that is after it was shortened

    def _keep_log_short(self) -> None:
        while not self.have_ended():
            time.sleep(_LOG_LOOK_S)
            shorten(self.log_path, _LONGEST_LOG)

    def _last_lines(self) -> str:
        """Return the end of the log up to where the first service stopped; then the others say goodbye."""
        lines: deque[str] = deque(maxlen=_N_LAST_LINES)
        with self.log_path.open(encoding="utf-8", errors="replace") as log:
            for line in log:
                lines.append(line)
                if _STOPPED in line:
                    break
        return "".join(lines)


def shorten(log: Path, n_bytes: int) -> None:
    """Begin a log anew that has grown longer; the one before stays beside it as ``.1``.

    Its writer goes on at the end, wherever that is. A line that is written in this moment may be lost.
    """
    with suppress(FileNotFoundError):
        if log.stat().st_size > n_bytes:
            shutil.copyfile(log, log.with_name(log.name + ".1"))
            os.truncate(log, 0)


def check_port(port: int, service: str, variable: str, *, target: str = "run") -> None:
    """Make sure that a port of this machine is free.

    Raises
    ------
    ConfigurationError
        When it is not; says which variable chooses another.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} of the {service} can't be used ({error.strerror}): stop what listens there, "
                f"or choose another one: {variable}={port + 1} {command_line(target)}"
            ) from error
