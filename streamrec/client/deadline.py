"""Sockets that keep to one deadline for a whole request, however its parts drip."""

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import httpcore

_WRITTEN_AT_ONCE = 65_536
"""Bytes: the time that is left is looked at between them."""

_ends_at: ContextVar[float] = ContextVar("_ends_at")


@contextmanager
def ending_after(seconds: float) -> Iterator[None]:
    """Let all that this thread reads and writes meanwhile end in time."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def _left_s(late: type[httpcore.TimeoutException]) -> float:
    left_s = _ends_at.get() - time.monotonic()
    if left_s <= 0:
        raise late("its time is over")
    return left_s


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens sockets that keep to the deadline of `ending_after`.

    The library bounds each single read and write: an answer that comes byte by byte would never be too late.
    """

    def __init__(self) -> None:
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect in time."""
        left_s = _left_s(httpcore.ConnectTimeout)
        return _Stream(self._sockets.connect_tcp(host, port, left_s, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    """A stream of the library's, in time.

    The library's pool may close a connection that another thread has begun to use just now. A socket that is
    closed would let that thread wait for all of its time, or for what is said on the next one of its number.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._in_use = threading.Lock()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._in_use:
            return self._stream.read(max_bytes, _left_s(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for first in range(0, len(buffer), _WRITTEN_AT_ONCE):
            part = buffer[first : first + _WRITTEN_AT_ONCE]
            with self._in_use:
                self._stream.write(part, _left_s(httpcore.WriteTimeout))

    def close(self) -> None:
        with suppress(OSError):  # wakes who reads or writes; below TLS, whose state is theirs
            socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)
        with self._in_use:
            self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left_s = _left_s(httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left_s))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  # the library's
        return self._stream.get_extra_info(info)
