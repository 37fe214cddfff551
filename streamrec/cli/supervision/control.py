"""Orders to a supervisor by a socket of the file system, for the user alone who runs it."""

import os
import socket
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Literal

import msgspec

from streamrec.cli.files.clean_data import VAR
from streamrec.cli.supervision.part import PartStatus
from streamrec.cli.supervision.supervisor import Supervisor
from streamrec.errors import ConfigurationError, InvalidInput, StreamrecError, Unavailable

Action = Literal["status", "start", "stop", "restart"]

CONTROLS = "control-*.sock"
"""Names of all sockets of this kind."""

_LOOK_TIMEOUT_S = 10.0

_STOP_TIMEOUT_S = 300.0
"""Parts that are stopped take their time, one after the other."""

_LONGEST_ORDER = 65_536


def control_path(recommender_port: int) -> Path:
    """Return where the supervisor of the system with this port listens, from the folder that it works in.

    A short path: Linux takes 107 bytes, wherever the folder lies.
    """
    return VAR / CONTROLS.replace("*", str(recommender_port))


class Order(msgspec.Struct, frozen=True):
    """An order to do something with some parts, or with all where none is named."""

    action: Action
    parts: list[str] = []


class Answer(msgspec.Struct, frozen=True):
    """The state of the parts after an order, or the reason why it was not carried out."""

    parts: list[PartStatus] = []
    error: str = ""


def carried_out(supervisor: Supervisor, order: Order) -> Answer:
    """Carry an order out, and return the answer to it."""
    try:
        if order.action in ("stop", "restart"):
            supervisor.stop(*order.parts)
        if order.action in ("start", "restart"):
            supervisor.start(*order.parts)
    except StreamrecError as error:
        return Answer(error=str(error))
    return Answer(supervisor.status())


@contextmanager
def taking_orders(supervisor: Supervisor, path: Path) -> Iterator[None]:
    """Take orders by a socket while the block runs.

    Raises
    ------
    ConfigurationError
        When there can be no socket of this path.
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # whoever asked has gone
                self.wfile.write(msgspec.json.encode(_answer_to(self.rfile.readline(_LONGEST_ORDER))))

    def _answer_to(line: bytes) -> Answer:
        try:
            return carried_out(supervisor, msgspec.json.decode(line, type=Order))
        except msgspec.MsgspecError as error:
            return Answer(error=str(error))

    try:
        server = _listening(path, Handler)
    except OSError as error:
        raise ConfigurationError(f"{path}: there can be no socket here: {error}") from error
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.1,), name="control", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        path.unlink(missing_ok=True)


def _listening(
    path: Path, handler: type[socketserver.BaseRequestHandler]
) -> socketserver.ThreadingUnixStreamServer:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # of one that was killed
    before = os.umask(0o177)
    try:
        return socketserver.ThreadingUnixStreamServer(str(path), handler)
    finally:
        os.umask(before)


def ordered(path: Path, order: Order) -> list[PartStatus]:
    """Send an order to the supervisor that listens at `path`; return how its parts do afterwards.

    Raises
    ------
    Unavailable
        When none listens, or it does not answer.
    InvalidInput
        When it does not carry the order out.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_LOOK_TIMEOUT_S if order.action == "status" else _STOP_TIMEOUT_S)
            connection.connect(str(path))
            connection.sendall(msgspec.json.encode(order) + b"\n")
            with connection.makefile("rb") as file:
                answer = msgspec.json.decode(file.read(), type=Answer)
    except (OSError, msgspec.MsgspecError) as error:
        raise Unavailable(f"the supervisor at {path} does not answer: {error}") from error
    if answer.error:
        raise InvalidInput(answer.error)
    return answer.parts
