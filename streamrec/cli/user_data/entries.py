"""Entries of an export: records, documents and rows as JSON has them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from models.checkpoint import StoredTensors, read_state_part
from streamrec.domain.events.erasure import Erasure
from streamrec.domain.generations.challenger import ChallengerUser
from streamrec.domain.users.user import UserDocument
from streamrec.errors import Damaged, InvalidEvent
from streamrec.payload import decoded
from streamrec.ports import INTERACTIONS, Offsets, Record
from streamrec.wire import decode_vector

_OF_USERS = ("learner/model.users.", "users/", "user_shares/counts", "touched/users")
"""Of a checkpoint's tensors those with a row for each user that say something without the other rows."""

_decode: Any = msgspec.json.Decoder().decode


class _UserRows(msgspec.Struct):
    """The part of a checkpoint's state that says which row is a user's, and what was read of the logs."""

    user_ids: list[str | None]
    next_offsets: Offsets = {}


def has_read(checkpoint: Path, erasure: Erasure) -> bool:
    """Return whether a trainer's checkpoint was written behind an erasure.

    Raises
    ------
    CorruptArtifact
        When it can't be read.
    """
    read = read_state_part(checkpoint, _UserRows).next_offsets.get(INTERACTIONS, {})
    return all(read.get(partition, 0) > offset for partition, offset in erasure.offsets.items())


def is_in_checkpoint(checkpoint: Path, user_id: str) -> bool:
    """Return whether a trainer's checkpoint knows a user.

    Raises
    ------
    CorruptArtifact
        When it can't be read.
    """
    return user_id in read_state_part(checkpoint, _UserRows).user_ids


def row_in(checkpoint: Path, user_id: str) -> Iterator[object]:
    """Yield what the model and the counts hold of a user in a row of their own."""
    user_ids = read_state_part(checkpoint, _UserRows).user_ids
    if user_id in user_ids:
        row, tensors = user_ids.index(user_id), StoredTensors(checkpoint / "tensors.safetensors")
        rows = {name: tensors[name][row].tolist() for name in tensors if name.startswith(_OF_USERS)}
        yield {"generation": checkpoint.parent.name, "checkpoint": checkpoint.name, "row": rows}


def readable(document: UserDocument) -> dict[str, Any]:
    """Return the fields of a document, its vectors as numbers."""
    fields = msgspec.to_builtins(document, builtin_types=(bytes,))
    state = fields["state"]
    return dict(fields) if state is None else fields | {"state": _with_numbers(state)}


def readable_vector(user: ChallengerUser) -> dict[str, Any]:
    """Return the fields of a challenger's vector of a user, as numbers."""
    return _with_numbers(msgspec.to_builtins(user, builtin_types=(bytes,)))


def _with_numbers(fields: dict[str, Any]) -> dict[str, Any]:
    kinds = (("vector", "<f4"), ("aging", "<f2"))
    of_bytes = [(name, kind) for name, kind in kinds if fields[name] is not None]
    return fields | {name: np.frombuffer(fields[name], kind).tolist() for name, kind in of_bytes}


def as_entry(record: Record) -> dict[str, object]:
    """Return a record with where it stands."""
    return {
        "partition": record.partition,
        "offset": record.offset,
        "appended_at": record.timestamp,
        "key": record.key,
        "value": value_of(record.value),
    }


def value_of(value: bytes | None) -> object:
    """Return what a value says: JSON where it is some, else text."""
    if value is None:
        return None
    try:
        return decoded(_decode, value)
    except Damaged:
        return value.decode(errors="replace")


def command_of(value: bytes | None) -> object:
    """Return the name of the command that a record holds; None where it holds none."""
    read = value_of(value)
    return read.get("name") if isinstance(read, dict) else None


def vector_in(value: bytes | None) -> object:
    """Return the vector in a record, as numbers; None where it holds none."""
    try:
        record = decode_vector(value or b"")
    except InvalidEvent:
        return None
    vector = None if record.vector is None else np.frombuffer(record.vector, "<f4").tolist()
    return {"generation": record.generation, "published_at": record.published_at, "vector": vector}
