"""Step 6 of the loop: the state and its offsets in the stream, in one file that is whole or not there."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from streamrec.bars.publishing import Waiting
from streamrec.domain.bars.minute_table import MinuteTable
from streamrec.errors import CorruptArtifact
from streamrec.payload import FILE_DAMAGE
from streamrec.ports import Offsets
from streamrec.process.checkpointing import CheckpointFile

FORMAT_VERSION = 1


class About(msgspec.Struct, frozen=True):
    """Contents of the file beside arrays.

    Attributes
    ----------
    item_ids
        In row order; None marks a free row.
    event_ids
        The last ones, oldest first, to drop repeats by.
    forgotten
        Of items that were evicted or deleted, and that the hot cache still has.
    deleted
        Of items that were deleted last; a file of a version before names none.
    """

    format_version: int
    next_offsets: Offsets
    item_ids: list[str | None]
    event_ids: list[str]
    forgotten: list[str]
    deleted: list[str] = []


class Restored(NamedTuple):
    """Offsets where the stream goes on, and what the file holds beside the bars.

    Attributes
    ----------
    event_ids
        The last ones.
    waiting
        What is to be published.
    deleted
        Items that were deleted last: late ticks must not bring them back.
    """

    next_offsets: Offsets
    event_ids: list[str]
    waiting: Waiting
    deleted: Sequence[str] = ()


NOTHING = Restored({}, [], Waiting(np.zeros(0, np.int64), []))
"""From the beginning of the log, with nothing kept."""

_decode = msgspec.json.Decoder(About).decode


class BarsCheckpoint(CheckpointFile):
    """File of the bars."""

    def write(self, table: MinuteTable, restored: Restored) -> None:
        """Replace the file, durably, by one from which `restored` comes back.

        Raises
        ------
        Unavailable
            When the disk is full or can't be written.
        """
        cells, forgotten = restored.waiting
        about = About(
            format_version=FORMAT_VERSION,
            next_offsets=restored.next_offsets,
            item_ids=table.ids.by_row(),
            event_ids=restored.event_ids,
            forgotten=forgotten,
            deleted=list(restored.deleted),
        )
        written = np.frombuffer(msgspec.json.encode(about), np.uint8)
        arrays = table.arrays() | {"waiting": cells, "about": written}
        with self._replaced() as file:
            np.savez(file, allow_pickle=False, **arrays)

    def next_offsets(self) -> Offsets:
        """Return where the stream goes on after this checkpoint.

        Raises
        ------
        CorruptArtifact
            When the file is damaged.
        """
        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return _decode(arrays["about"].tobytes()).next_offsets
        except FILE_DAMAGE as error:
            raise CorruptArtifact(f"{self._path} can't be read: {error}; {_MEND}") from error

    def restore(self, table: MinuteTable) -> Restored | None:
        """Bring a fresh table to where the file was written; None when there is no file.

        Raises
        ------
        CorruptArtifact
            When the file is damaged, or of another version.
        """
        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                about = _decode(arrays["about"].tobytes())
                self._check(about)
                if min(_offsets(about.next_offsets), default=0) < 0:
                    raise CorruptArtifact(f"{self._path} goes on before the log's beginning; {_MEND}")
                is_same_place = table.load(about.item_ids, {name: arrays[name] for name in arrays})
                every_row = np.arange(table.ids.n_rows)
                cells = arrays["waiting"] if is_same_place else table.cells_in_use(every_row)
                if len(cells) and not 0 <= cells.min() <= cells.max() < table.ids.n_rows * table.window:
                    raise CorruptArtifact(f"{self._path} names minutes that it does not have; {_MEND}")
                left_out = [id_ for id_ in about.item_ids if id_ is not None and id_ not in table.ids]
        except FileNotFoundError:
            return None
        except FILE_DAMAGE as error:
            raise CorruptArtifact(f"{self._path} can't be read: {error}; {_MEND}") from error
        waiting = Waiting(cells, about.forgotten + left_out)
        return Restored(about.next_offsets, about.event_ids, waiting, about.deleted)

    def _check(self, about: About) -> None:
        if about.format_version != FORMAT_VERSION:
            raise CorruptArtifact(f"{self._path} is of format {about.format_version}; {_MEND}")


def _offsets(offsets: Offsets) -> list[int]:
    return [offset for partitions in offsets.values() for offset in partitions.values()]


_MEND = "delete it, and the bars are made of the log again"
