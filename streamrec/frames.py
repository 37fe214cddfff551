"""Files of frames: payloads one after the other, each behind its length in four bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from streamrec.errors import CorruptArtifact

_LENGTH_BYTES = 4


def write_frame(file: BinaryIO, payload: bytes) -> None:
    """Write one payload of less than 4 GB."""
    file.write(len(payload).to_bytes(_LENGTH_BYTES, "little"))
    file.write(payload)


def frames_in(path: Path) -> Iterator[bytes]:
    """Yield the payloads of a file.

    Raises
    ------
    CorruptArtifact
        When the file ends in the middle of one.
    """
    with path.open("rb") as file:
        while head := file.read(_LENGTH_BYTES):
            length = int.from_bytes(head, "little")
            payload = file.read(length)
            if len(head) < _LENGTH_BYTES or len(payload) < length:
                raise CorruptArtifact(f"{path} ends in the middle of a record")
            yield payload
