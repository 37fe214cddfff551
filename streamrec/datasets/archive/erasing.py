"""Removal of erased users' events from what was archived before they were erased."""

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow

from streamrec.datasets.archive.parts import Part, parts_in
from streamrec.datasets.archive.rows import (
    ROWS_AT_ONCE,
    PartFile,
    identity_in,
    opened,
    put_in_place,
    unfinished,
)
from streamrec.domain.events.erasure import Erasure, VoidEvents, digest_of
from streamrec.durable_files import replace_bytes
from streamrec.errors import Damaged
from streamrec.payload import decoded

_DONE = "_erasures.json"

_COLUMNS = ["user_id", "offset", "appended_at"]


class Erased(NamedTuple):
    """Users who were erased, and when.

    Attributes
    ----------
    salt
        What the digests of their ids are made with.
    erasures
        As the document store keeps them.
    unmarked
        Unix seconds by user, of erasures that a version before ordered, which have no offsets.
    """

    salt: bytes
    erasures: Sequence[Erasure]
    unmarked: Mapping[str, float]

    def in_log(self, identity: str) -> "ErasedInLog":
        """Return what tells events of one log that no longer count."""
        void = VoidEvents(self.salt, identity)
        void.add(self.erasures)
        return ErasedInLog(void, self.unmarked)


class ErasedInLog(NamedTuple):
    """Events of one log that no longer count."""

    void: VoidEvents
    unmarked: Mapping[str, float]

    def __bool__(self) -> bool:
        return bool(self.void) or bool(self.unmarked)

    def contains(self, user_id: str, partition: int, offset: int, appended_at: float) -> bool:
        """Return whether an event was appended before its user was erased."""
        return self.void.contains(user_id, partition, offset) or (
            bool(self.unmarked) and appended_at <= self.unmarked.get(user_id, float("-inf"))
        )


class Done(msgspec.Struct):
    """Erasures that all parts went through: digest and log -> offset by partition; user -> Unix seconds.

    The digests are in base64; users stand under digests, too.
    """

    marked: dict[str, dict[int, int]] = {}
    unmarked: dict[str, float] = {}


_done_decoder = msgspec.json.Decoder(Done, strict=False)


def remove_erased(
    folder: Path, erased: Erased, on_progress: Callable[[int, int], None] = lambda n_done, n_parts: None
) -> int:
    """Write parts anew without the events of users who were erased since; return how many events went.

    Parts are read only when there is an erasure that they did not go through. A crash leaves each part as it
    was, or without them, and the next call does the rest.

    Parameters
    ----------
    on_progress
        Called with the number of parts gone through, and of all.

    Raises
    ------
    CorruptArtifact
        When a part can't be read.
    """
    wanted = _as_done(erased)
    done = _read_done(folder / _DONE)
    if wanted == done or not (wanted.marked or wanted.unmarked):
        return 0
    parts, n_removed = parts_in(folder), 0
    for number, part in enumerate(parts, start=1):
        n_removed += _without(folder / part.name, part, erased)
        on_progress(number, len(parts))
    replace_bytes(folder / _DONE, msgspec.json.encode(wanted))
    return n_removed


def _without(path: Path, part: Part, erased: Erased) -> int:
    """Write a part anew without what no longer counts, if it holds any; return how many events went."""
    with opened(path) as file:
        identity = identity_in(file)
        in_log = erased.in_log(identity)
        if not in_log:
            return 0
        kept = [_is_kept(batch, part, in_log) for batch in file.iter_batches(ROWS_AT_ONCE, columns=_COLUMNS)]
        n_removed = sum(int((~is_kept).sum()) for is_kept in kept)
        if not n_removed:
            return 0
        temporary = unfinished(path.parent, f"erasing-{os.getpid()}")
        anew = PartFile(temporary, identity)
        for batch, is_kept in zip(file.iter_batches(ROWS_AT_ONCE), kept, strict=True):
            anew.write(batch.filter(pyarrow.array(is_kept)))
        anew.close()
        put_in_place(temporary, path)
    return n_removed


def _is_kept(batch: pyarrow.RecordBatch, part: Part, erased: ErasedInLog) -> np.ndarray:
    columns = (batch.column(number).to_pylist() for number in range(len(_COLUMNS)))
    rows = zip(*columns, strict=True)
    return np.array(
        [not erased.contains(user_id, part.partition, offset, at) for user_id, offset, at in rows], np.bool_
    )


def _as_done(erased: Erased) -> Done:
    return Done(
        {_key(one.digest, one.log): dict(one.offsets) for one in erased.erasures},
        {_key(digest_of(user, erased.salt), ""): at for user, at in erased.unmarked.items()},
    )


def _key(digest: bytes, log: str) -> str:
    return f"{base64.b64encode(digest).decode()} {log}"


def decode_done(payload: bytes) -> Done:
    """Read which erasures the parts went through.

    Raises
    ------
    Damaged
        When it holds something else.
    """
    return decoded(_done_decoder.decode, payload)


def _read_done(path: Path) -> Done:
    try:
        return decode_done(path.read_bytes())
    except (FileNotFoundError, Damaged):
        return Done()  # all are gone through once more
