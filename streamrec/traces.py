"""Search for an id in bytes of any of the formats that something is stored in."""

import json
from functools import cached_property

import msgspec

_LEAST_BINARY_BYTES = 5
"""A shorter token of a binary format stands by chance in any vector."""


class Trace:
    """An id as it may stand in values: alone, in JSON, in MessagePack or in BSON.

    Parameters
    ----------
    is_of_item
        Whether an item has the same id: then it is looked for where ids of users alone stand.
    """

    def __init__(self, user_id: str, *, is_of_item: bool = False) -> None:
        self.user_id = user_id
        self.is_of_item = is_of_item
        self.raw = user_id.encode("utf-8", "surrogatepass")

    @property
    def keys(self) -> tuple[bytes, bytes, bytes]:
        """The id, alone and as it stands in the changelogs."""
        return self.raw, b"0:" + self.raw, b"1:" + self.raw

    @cached_property
    def tokens(self) -> tuple[bytes, ...]:
        """Bytes that stand in a value which holds the id beside others."""
        quoted = {msgspec.json.encode(self.user_id), json.dumps(self.user_id).encode()}
        if self.is_of_item:
            return tuple(b'"user_id":%s' % one for one in sorted(quoted))
        n_bytes = len(self.raw)
        packed = {
            msgspec.msgpack.encode(self.user_id),
            (n_bytes + 1).to_bytes(4, "little") + self.raw + b"\0",
        }
        return (*sorted(quoted), *(one for one in sorted(packed) if len(one) >= _LEAST_BINARY_BYTES))

    def is_in(self, value: bytes) -> bool:
        """Return whether a value is the id or holds it.

        >>> trace = Trace("u1")
        >>> [trace.is_in(one) for one in (b"u1", b'["u1"]', b"u10", b'["u10"]')]
        [True, True, False, False]
        """
        return value == self.raw or any(token in value for token in self.tokens)
