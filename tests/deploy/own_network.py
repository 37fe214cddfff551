"""A network of its own for a test, where servers listen on the ports that they have in containers."""

import ctypes
import fcntl
import os
import socket
import struct
from types import TracebackType

_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


class OwnNetwork:
    """While entered, this thread and what it starts have a network of their own: every port is free."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._outside = -1

    def __enter__(self) -> "OwnNetwork":
        self._outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self._check(self._libc.unshare(_CLONE_NEWNET))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            flags = struct.unpack(
                "16sh14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, struct.pack("16s16x", b"lo"))
            )[1]
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._check(self._libc.setns(self._outside, _CLONE_NEWNET))
        os.close(self._outside)

    def _check(self, result: int) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
