"""Gunicorn's worker: uvicorn, with bounds on what a connection may cost while it brings no whole request.

Uvicorn waits without end for the rest of a head or of a body, holds heads of any size, and keeps an answer
for as long as nobody reads it. Connections of this kind take no time from the others, but memory.
"""

import asyncio
from enum import Enum
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn_worker import UvicornWorker

from streamrec.log_limits import warn_seldom


class _Phase(Enum):
    HEAD = "the head of its request"
    BODY = "the body of its request"
    WHOLE = "nothing more"


class BoundedProtocol(HttpToolsProtocol):
    """HTTP connection that ends when its client is too slow, or sends too large a head."""

    head_s: ClassVar = 10.0
    """For a head, from its first byte or the connection's beginning on."""

    body_s: ClassVar = 30.0
    least_body_bytes: ClassVar = 16_384
    """Bytes that each `body_s` of a body has to bring: the slowest of telephones does, a drip does not."""

    answer_s: ClassVar = 60.0
    """For a client to take some of an answer that is larger than what the network's buffers hold."""

    max_head_bytes: ClassVar = 131_072
    """Twice a URL of 64 KiB, which is as long as a thousand ids."""

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401  # uvicorn's own
        super().__init__(*given, **named)
        self._phase = _Phase.HEAD
        self._n_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came, and see to it that more comes, where it has to, and not too much."""
        super().data_received(data)
        if self._phase is _Phase.WHOLE and self.cycle is not None and self.cycle.response_complete:
            # The end of a body that was answered before, or a line's end: uvicorn has stopped its own clock.
            self._enter(_Phase.HEAD)
            self._wait()
            return
        if self._phase is _Phase.WHOLE or self.transport.is_closing():
            return
        self._n_bytes += len(data)
        if self._phase is _Phase.HEAD and self._n_bytes > self.max_head_bytes:
            self._end(431)
        else:
            self._wait()

    def on_message_begin(self) -> None:
        """Begin a request; the parser calls this."""
        super().on_message_begin()
        self._enter(_Phase.HEAD)

    def on_headers_complete(self) -> None:
        """Go on to the body; the parser calls this."""
        super().on_headers_complete()
        self._enter(_Phase.BODY)

    def on_message_complete(self) -> None:
        """End a request; the parser calls this."""
        super().on_message_complete()
        self._enter(_Phase.WHOLE)

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not read its answer."""
        super().pause_writing()
        if self._answer_timer is None:
            self._answer_timer = self.loop.call_later(self.answer_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on with a client that reads."""
        super().resume_writing()
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._enter(_Phase.WHOLE)
        super().connection_lost(exc)
        if self._answer_timer is not None:
            self._answer_timer.cancel()

    def _enter(self, phase: _Phase) -> None:
        self._phase, self._n_bytes = phase, 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        if self._timer is None:
            wait_s = self.head_s if self._phase is _Phase.HEAD else self.body_s
            self._timer = self.loop.call_later(wait_s, self._look)

    def _look(self) -> None:
        """End the connection, unless a body comes on, or we are those who do not read it."""
        self._timer = None
        is_coming = self.flow.read_paused or self._n_bytes >= self.least_body_bytes
        if self._phase is _Phase.BODY and is_coming:
            self._n_bytes = 0
            self._wait()
        else:
            self._end(408)

    def _end(self, status: int) -> None:
        """Answer, where no answer has begun and something was asked, and end the connection."""
        missing, cycle = self._phase.value, self.cycle
        is_new = self._phase is _Phase.HEAD and not self._n_bytes
        is_answering = cycle is not None and cycle.response_started and not cycle.response_complete
        if not (is_new or is_answering):
            warn_seldom("connection_ended", about=missing, status=status, missing=missing)
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


class Worker(UvicornWorker):  # type: ignore[misc]  # it comes without types
    """Uvicorn on uvloop, with these bounds."""

    CONFIG_KWARGS: ClassVar = {"loop": "uvloop", "http": BoundedProtocol, "server_header": False}
