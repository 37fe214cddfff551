"""The processes of a launch as one thing that is started, watched and stopped."""

import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from streamrec.cli.choices import PortSettings
from streamrec.cli.installation import command_line, import_rules, program
from streamrec.cli.launch.own_keys import OwnKey
from streamrec.cli.launch.parts import attribution, history, index_server, recommender, trainer
from streamrec.cli.launch.ports import Listener, check_port
from streamrec.cli.service_call import Service
from streamrec.cli.supervision.control import control_path, taking_orders
from streamrec.cli.supervision.output import Output, into_file
from streamrec.cli.supervision.part import Part
from streamrec.cli.supervision.supervisor import Supervisor
from streamrec.errors import StreamrecError, Unavailable

_ENDING_S = 5.0
"""A part that ended stops answering at once, and has been seen to end soon after."""


def parts_of(ports: PortSettings) -> list[Part]:
    """Return index server, recommender, trainer, item histories and attribution."""
    servers = [index_server(ports.index_port), recommender(ports.recommender_port)]
    return [*servers, trainer(), history(), attribution()]


class Services:
    """Processes on this machine, each started again when it ends.

    Parameters
    ----------
    parts
        What to run.
    log_path
        Where their output goes: a file, or a folder.
    ports
        Where the servers are to listen.
    key
        To use the recommender with; None: it asks for none.
    """

    target = "run"
    """The command that starts them."""

    def __init__(
        self, parts: Sequence[Part], log_path: Path, ports: PortSettings, key: OwnKey | None = None
    ) -> None:
        self.log_path = log_path
        self.key = key
        self.recommender = Service(ports.recommender_url, None if key is None else key.key)
        self.index = Service(ports.index_url)
        self._parts = parts
        self._ports = ports
        self._supervisor: Supervisor | None = None
        self._opened = ExitStack()
        self._troubles: deque[str] = deque()

    @property
    def is_started(self) -> bool:
        """True where there is something to stop."""
        return self._supervisor is not None

    @property
    def servers(self) -> Sequence[Service]:
        """The ones to ask whether they are ready."""
        return (self.recommender, self.index)

    @property
    def listeners(self) -> Sequence[Listener]:
        """The ports that are needed."""
        return (
            self._listener(self._ports.recommender_port, "recommender", "RECOMMENDER_PORT"),
            self._listener(self._ports.index_port, "index server", "INDEX_PORT"),
        )

    def _listener(self, port: int, service: str, variable: str) -> Listener:
        return Listener(port, service, f"{variable}={port + 1} {command_line(self.target)}")

    @property
    def environment(self) -> dict[str, str]:
        """Variables that they find in their environment beside ours."""
        return {
            "PYTHONUNBUFFERED": "1",
            **import_rules(),
            "INDEX_PORT": str(self._ports.index_port),
            "RECOMMENDER_PORT": str(self._ports.recommender_port),
            "STREAMREC_INDEX_URL": self._ports.index_url,
        }

    def where(self) -> list[str]:
        """Return lines for people: where what is found."""
        return [
            f"Recommender   {self.recommender.url}  (to look at; its API: {self.recommender.url}/docs)",
            f"Index server  {self.index.url}/v1/stats",
            f"Log           {self.log_path}",
            f"Parts         {orders()} status   (or: restart trainer, stop history, ...)",
        ]

    def check_ports(self) -> None:
        """Make sure that the ports are free.

        Raises
        ------
        ConfigurationError
            When one is not; says which variable chooses another.
        """
        for listener in self.listeners:
            check_port(listener)

    def start(self) -> None:
        """Start all, with our environment.

        Raises
        ------
        ConfigurationError
            When their log can't be written.
        """
        output = self._open_output()
        self._opened.callback(output.close)
        parts = [
            msgspec.structs.replace(part, environment=self.environment | part.environment)
            for part in self._parts
        ]
        self._supervisor = Supervisor(parts, output, self._troubles.append)
        control = control_path(self._ports.recommender_port)
        self._opened.enter_context(taking_orders(self._supervisor, control))
        self._supervisor.start()

    def _open_output(self) -> Output:
        return into_file(self.log_path)

    def check(self) -> None:
        """Make sure that none keeps ending.

        Raises
        ------
        Unavailable
            When one does, with its last lines.
        """
        if self._troubles:
            raise Unavailable(f"{self._troubles[0]}\nAll that it said is in {self.log_path}")

    def new_trouble(self) -> str | None:
        """Return what is to be told of one that keeps ending, once; None: nothing more."""
        return self._troubles.popleft() if self._troubles else None

    def cause_of(self, error: StreamrecError) -> StreamrecError:
        """Return why a call to one of them failed: where one ended, its last words say more."""
        deadline = time.monotonic() + _ENDING_S
        while error.retriable and time.monotonic() < deadline:
            try:
                self.check()
            except Unavailable as end:
                return end
            time.sleep(0.1)
        return error

    def stop(self) -> bool:
        """Stop all in order, and return whether they all ended by themselves."""
        supervisor, self._supervisor = self._supervisor, None
        is_clean = supervisor is None or supervisor.close()
        self._opened.close()
        return is_clean


def orders() -> str:
    """Return how people give orders to the parts."""
    return f"{Path(sys.executable)} -m streamrec parts" if program() != "streamrec" else "streamrec parts"
