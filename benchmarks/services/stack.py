"""Real servers and our processes over them, for `whole_system`; all on this machine's cores."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from benchmarks.serving.stack import environment_of, served, write_items
from benchmarks.trainer.prepare import prepare
from streamrec.cli.launch.local_servers import KAFKA, MONGODB, REDIS, LocalServer, free_port
from streamrec.settings.processes import LocationSettings

N_USERS, N_ITEMS = 20_000, 100_000
ITEM_PREFIX = "item-"

PATH = "/v1/recommendations?user_id=user-{n}&k=10"
EXPECTED = ('"degraded":false', '"title":"Film number')
"""Whatever the blend puts in, and whoever asks: nothing was done without, and items have metadata."""

INDEX = ["-c", "python:faiss_server.gunicorn_settings"]
RECOMMENDER = ["-c", "python:recommender_server.gunicorn_settings"]
"""Arguments of gunicorn."""

_IDLE_CORES = 0.1
_IDLE_FOR_S = 3.0
_PATIENCE_S = 180.0


class Stack:
    """Servers, a generation in them, and their locations.

    Attributes
    ----------
    pids
        Process ids by the part's name, to tell who takes the cores.
    """

    def __init__(self, locations: LocationSettings, stack: ExitStack) -> None:
        self.locations = locations
        self.pids: dict[str, int] = {}
        self._stack = stack

    def environment(self, events_url: str | None = None) -> dict[str, str]:
        """Return a child's environment; `events_url` chooses another driver for the same broker."""
        chosen = {} if events_url is None else {"events_url": events_url}
        return environment_of(self.locations.model_copy(update=chosen))

    def start_index(self) -> None:
        """Start the index server; return once it is ready."""
        port = int(self.locations.index_url.rsplit(":", 1)[1])
        self._note("index", self._stack.enter_context(served(INDEX, port, self.environment())))

    def start_recommender(self) -> int:
        """Start the recommender; return its port once it is ready."""
        port = free_port()
        self._note("recommender", self._stack.enter_context(served(RECOMMENDER, port, self.environment())))
        return port

    def start_trainer(self) -> None:
        """Start the trainer, to run until the end."""
        command = [sys.executable, "incremental_training.py"]
        trainer = self._stack.enter_context(subprocess.Popen(command, env=self.environment()))
        self._stack.callback(trainer.terminate)
        self._note("trainer", trainer)

    def add_server(self, server: LocalServer) -> LocalServer:
        """Start a server, to run until the end."""
        before = {child.pid for child in psutil.Process().children()}
        server.start()
        self._stack.callback(server.stop)
        (self.pids[server.kind.name],) = {child.pid for child in psutil.Process().children()} - before
        return server

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds that each part has taken so far, its children included."""
        return {name: _cpu_s_of(pid) for name, pid in self.pids.items() if psutil.pid_exists(pid)}

    def _note(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        self.pids[name] = process.pid


def _cpu_s_of(pid: int) -> float:
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return float(sum(time.user + time.system for time in times))


def wait_until_idle(pid: int) -> None:
    """Return once a process that nobody asks has nothing to do: no server is measured in its first seconds.

    Raises
    ------
    TimeoutError
        When it does not come to rest.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        before = _cpu_s_of(pid)
        time.sleep(_IDLE_FOR_S)
        if _cpu_s_of(pid) - before < _IDLE_CORES * _IDLE_FOR_S:
            return
    raise TimeoutError(f"process {pid} is busy after {_PATIENCE_S} s, though nobody asks it")


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """Start Kafka, MongoDB and Redis with a generation of 20,000 users and 100,000 items."""
    with ExitStack() as exits:
        kafka, mongodb, redis = (LocalServer(kind, folder) for kind in (KAFKA, MONGODB, REDIS))
        locations = LocationSettings(
            events_url=kafka.url,
            store_url=f"{mongodb.url}/streamrec",
            cache_url=f"{redis.url}/0",
            artifacts_dir=folder / "artifacts",
            index_url=f"http://127.0.0.1:{free_port()}",
        )
        stack = Stack(locations, exits)
        for server in (kafka, mongodb, redis):
            stack.add_server(server)
        prepare(locations, N_USERS, N_ITEMS, is_shaped=True)
        yield stack


async def store_metadata(locations: LocationSettings) -> None:
    """Give every item a title, categories and a year."""
    await write_items(locations, N_ITEMS, ITEM_PREFIX)
