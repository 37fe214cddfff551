"""Step 6 of the loop: the state and its offsets in the stream, in one file that is whole or not there."""

import zlib

import msgspec

from streamrec.attribution.state.saved_state import SavedState
from streamrec.domain.experiments.report import ExperimentResults
from streamrec.errors import CorruptArtifact
from streamrec.payload import FILE_DAMAGE
from streamrec.ports import Offsets
from streamrec.process.checkpointing import CheckpointFile

FORMAT_VERSION = 1

_CHECKSUM_BYTES = 4


class Saved(msgspec.Struct):
    """Contents of the file.

    Attributes
    ----------
    logs
        Identity of each topic's log; empty where it has none.
    next_offsets
        Where the stream goes on.
    event_ids
        The last ones, oldest first, to drop repeats by.
    results
        The newest of each experiment, with the history of its intervals.
    at
        When it was written, in Unix seconds; a file of a version before does not say it.
    """

    format_version: int = FORMAT_VERSION
    logs: dict[str, str] = {}
    next_offsets: Offsets = {}
    event_ids: list[str] = []
    state: SavedState = msgspec.field(default_factory=SavedState)
    results: dict[str, ExperimentResults] = {}
    at: float = 0.0


class _Offsets(msgspec.Struct):
    next_offsets: Offsets = {}


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Saved).decode
_decode_offsets = msgspec.msgpack.Decoder(_Offsets).decode


class AttributionCheckpoint(CheckpointFile):
    """File of what is attributed."""

    def write(self, saved: Saved) -> None:
        """Replace the file, durably.

        Raises
        ------
        Unavailable
            When the disk is full or can't be written.
        """
        body = _encode(saved)
        with self._replaced() as file:
            file.write(_checksum(body))
            file.write(body)

    def next_offsets(self) -> Offsets:
        """Return where the stream goes on after this checkpoint.

        Raises
        ------
        CorruptArtifact
            When the file is damaged.
        """
        try:
            return _decode_offsets(self._body()).next_offsets
        except FILE_DAMAGE as error:
            raise CorruptArtifact(f"{self._path} can't be read: {error}; {_MEND}") from error

    def read(self) -> Saved | None:
        """Return what was written last; None when there is no file.

        Raises
        ------
        CorruptArtifact
            When the file is damaged, or of another version.
        """
        try:
            saved = _decode(self._body())
        except FileNotFoundError:
            return None
        except FILE_DAMAGE as error:
            raise CorruptArtifact(f"{self._path} can't be read: {error}; {_MEND}") from error
        if saved.format_version != FORMAT_VERSION:
            raise CorruptArtifact(f"{self._path} is of format {saved.format_version}; {_MEND}")
        if any(offset < 0 for partitions in saved.next_offsets.values() for offset in partitions.values()):
            raise CorruptArtifact(f"{self._path} goes on before the log's beginning; {_MEND}")
        return saved

    def _body(self) -> bytes:
        content = self._path.read_bytes()
        checksum, body = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
        if checksum != _checksum(body):
            raise CorruptArtifact(f"{self._path} fails its checksum; {_MEND}")
        return body


def _checksum(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(_CHECKSUM_BYTES, "big")


_MEND = "delete it, and what the log still holds is attributed again"
