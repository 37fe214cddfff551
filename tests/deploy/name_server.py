"""A name server as Docker's: one address a replica; runs where `OwnNetwork` has been entered."""

import socket
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType

_FOUND, _UNKNOWN = b"\x81\x80", b"\x81\x83"
_POINTER_TO_QUESTION = b"\xc0\x0c"
_ADDRESS_FOR_1_S = b"\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04"


class NameServer:
    """Answers questions for IPv4 addresses while entered (RFC 1035, sections 4.1 and 4.2.1)."""

    def __init__(self, addresses: Mapping[str, Sequence[str]], at: str = "127.0.0.11") -> None:
        self._addresses = addresses
        self._at = at

    def __enter__(self) -> "NameServer":
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self._at, 53))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (self._at, 53))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, sender = self._socket.recvfrom(512)
            if not question:
                return
            self._socket.sendto(self._answer(question), sender)

    def _answer(self, question: bytes) -> bytes:
        labels, place = [], 12
        while length := question[place]:
            labels.append(question[place + 1 : place + 1 + length].decode())
            place += 1 + length
        asked = question[12 : place + 5]
        addresses = self._addresses.get(".".join(labels), ())
        records = b"".join(
            _POINTER_TO_QUESTION + _ADDRESS_FOR_1_S + socket.inet_aton(address) for address in addresses
        )
        code = _FOUND if addresses else _UNKNOWN
        counts = b"\x00\x01" + len(addresses).to_bytes(2, "big") + b"\x00\x00\x00\x00"
        return question[:2] + code + counts + asked + records
