"""The services of `stack-local`: real servers below, two index servers, two trainers, the rest of ours."""

import http.client
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xmlrpc.client import Error as XmlRpcError
from xmlrpc.client import ServerProxy

from streamrec.cli.choices import PortSettings
from streamrec.cli.installation import command_line
from streamrec.cli.launch.services import Listener, Services
from streamrec.cli.service_call import Service
from streamrec.errors import ConfigurationError, Unavailable
from streamrec.settings.processes import LocationSettings

CONFIGURATION = Path("deploy/local/supervisord.conf")
FOLDER = Path("var/stack")
CONTROL = f".venv/bin/supervisorctl -c {CONFIGURATION}"

_LOG = FOLDER / "log" / "supervisor.log"
_SOCKET = FOLDER / "control.sock"

_MAX_SOCKET_PATH = 100
"""Linux takes 107 bytes; supervisord binds under a name that is some longer first."""

_N_LAST_LINES = 4

_LOOK_INTERVAL_S = 1.0
"""The replay asks at every event whether a service has ended."""

_PARTS = ("index-1", "index-2", "recommender", "history", "trainer-1", "trainer-2")
"""Processes of our own; they start when there is a model."""

_NO_ANSWER = (OSError, XmlRpcError, http.client.HTTPException)

_RESTART_S = 3
"""A part that ended is started again within a second or two, if at all."""


class StackPorts(PortSettings):
    """Ports that the parts listen on, of 127.0.0.1."""

    kafka_port: int = 19092
    mongodb_port: int = 17017
    redis_port: int = 16379
    index2_port: int = 8101

    def locations(self) -> LocationSettings:
        """Return the settings by which streamrec finds the parts."""
        events_url = f"kafka://127.0.0.1:{self.kafka_port}"
        return LocationSettings(
            events_url=events_url,
            changelog_url=events_url,
            store_url=f"mongodb://127.0.0.1:{self.mongodb_port}",
            cache_url=f"redis://127.0.0.1:{self.redis_port}/0",
            index_url=self.index_url,
            artifacts_dir=FOLDER / "artifacts",
        )


class Ended(NamedTuple):
    """A part that ended for good."""

    name: str
    exit_code: int
    log_path: Path


class StackServices(Services):
    """All parts, each restarted by supervisord when it ends."""

    target = "stack-local"
    where_it_would_be = "run this in the folder of the repository"
    stop_patience_s = 120.0
    sign_of_force = "with SIGKILL"

    def __init__(self, ports: StackPorts) -> None:
        super().__init__(CONFIGURATION, _LOG, ports)
        self._stack_ports = ports
        self._second_index = Service(f"http://127.0.0.1:{ports.index2_port}")
        self._looked_at = -float("inf")
        self._ended: Ended | None = None

    @property
    def servers(self) -> Sequence[Service]:
        """The ones to ask whether they are ready."""
        return (self.recommender, self.index, self._second_index)

    @property
    def listeners(self) -> Sequence[Listener]:
        """The ports that are needed."""
        ports = self._stack_ports
        return (
            *self.servers_below,
            *super().listeners,
            Listener(ports.index2_port, "second index server", "INDEX2_PORT"),
        )

    @property
    def servers_below(self) -> Sequence[Listener]:
        """The ports of the servers that are not ours."""
        ports = self._stack_ports
        return (
            Listener(ports.kafka_port, "Kafka broker", "KAFKA_PORT"),
            Listener(ports.mongodb_port, "MongoDB", "MONGODB_PORT"),
            Listener(ports.redis_port, "Redis", "REDIS_PORT"),
        )

    @property
    def environment(self) -> dict[str, str]:
        """Variables that the parts find in their environment beside ours: addresses of the others."""
        locations = self._stack_ports.locations()
        return {
            **super().environment,
            **{listener.variable: str(listener.port) for listener in self.listeners},
            "STREAMREC_EVENTS_URL": locations.events_url,
            "STREAMREC_CHANGELOG_URL": locations.vectors_url,
            "STREAMREC_STORE_URL": locations.store_url,
            "STREAMREC_CACHE_URL": locations.cache_url,
            "STREAMREC_ARTIFACTS_DIR": str(locations.artifacts_dir),
        }

    def command(self) -> list[str]:
        """Return what runs them all, and ends with its standard input."""
        return [sys.executable, "-m", "streamrec.cli.launch.supervised", str(self.configuration)]

    def where(self) -> list[str]:
        """Return lines for people: where what is found."""
        locations = self._stack_ports.locations()
        return [
            f"Recommender   {self.recommender.url}  (try it out: {self.recommender.url}/docs)",
            f"Index servers {self.index.url}/v1/stats and {self._second_index.url}/v1/stats",
            f"Servers       {locations.events_url}  {locations.store_url}  {locations.cache_url}",
            f"Logs          {self.log_path.parent}/",
            f"Parts         {CONTROL} status   (or: restart index-1, stop redis, ...)",
        ]

    def check_ports(self) -> None:
        """Make sure that the ports are free.

        Raises
        ------
        ConfigurationError
            When one is not; says which variable chooses another, and who else may have it.
        """
        try:
            super().check_ports()
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{error}. (`{command_line('run')}` has the same recommender and index ports: only one of the"
                " two runs at a time, unless you choose others.)"
            ) from error

    def start(self) -> None:
        """Start all.

        Raises
        ------
        ConfigurationError
            When the configuration is not here, or this folder's path is too long for a socket in it.
        """
        path = str(_SOCKET.absolute())
        if len(path.encode()) > _MAX_SOCKET_PATH:
            raise ConfigurationError(f"{path}: a socket can't have so long a path; move the project's folder")
        super().start()

    def start_parts(self) -> None:
        """Start what needs a model, or comes with it: index servers, recommender, history and trainers.

        Raises
        ------
        Unavailable
            When supervisord does not do it.
        """
        try:
            with _supervisor() as supervisor:
                for part in _PARTS:
                    supervisor.supervisor.startProcess(part, False)  # noqa: FBT003  # don't wait for it
        except _NO_ANSWER as error:
            raise Unavailable(f"supervisord did not start {part}: {error}; see {self.log_path}") from error

    def have_ended(self) -> bool:
        """Return whether supervisord, or a part for good, has ended."""
        now = time.monotonic()
        if self._ended is None and now - self._looked_at > _LOOK_INTERVAL_S:
            self._looked_at = now
            self._ended = _first_ended()
        return self._ended is not None or super().have_ended()

    def check(self) -> None:
        """Make sure that no part has ended for good.

        Raises
        ------
        Unavailable
            When one has, with its last words.
        """
        if self.have_ended() and self._ended is not None:
            name, exit_code, log_path = self._ended
            lines = log_path.read_text("utf-8", "replace").splitlines()[-_N_LAST_LINES:]
            last_words = "\n".join(lines)
            raise Unavailable(
                f"{name} ended with exit code {exit_code}. The end of {log_path}:\n{last_words}\n"
                f"`{command_line(self.target)}` goes on; a broker that forgot its topics needs no more"
            )
        super().check()


def _first_ended() -> Ended | None:
    """Return a part that supervisord starts no more; None also while it can't be asked."""
    try:
        with _supervisor() as supervisor:
            answer: Any = supervisor.supervisor.getAllProcessInfo()
    except _NO_ANSWER:
        return None
    for part in answer:
        has_ended = part["statename"] == "EXITED" and part["now"] - part["stop"] >= _RESTART_S
        if has_ended or part["statename"] == "FATAL":
            return Ended(part["name"], part["exitstatus"], _LOG.with_name(f"{part['name']}.log"))
    return None


def _supervisor() -> ServerProxy:
    # The other commands do without supervisor, which only those who run the stack have installed.
    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport(serverurl=f"unix://{_SOCKET.absolute()}")
    return ServerProxy("http://127.0.0.1", transport=transport)  # the transport knows the way
