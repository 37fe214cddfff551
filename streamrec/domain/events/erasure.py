"""Erased users, and the events in a log that no longer count."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple

DIGEST_BYTES = 16
"""Two of a billion users have one digest with a chance of 10^-21."""

SALT_BYTES = 16


class Erasure(NamedTuple):
    """A user's erasure, as it is kept for as long as the log may hold events from before it.

    Attributes
    ----------
    digest
        Of the user's id, see `digest_of`: whoever reads the record learns no id.
    log
        Identity of the log; empty where the log has none.
    offsets
        Offset of the erasure by partition: what stands before it in a partition was appended before it.
    erased_at
        Unix seconds.
    """

    digest: bytes
    log: str
    offsets: Mapping[int, int]
    erased_at: float


def digest_of(user_id: str, salt: bytes) -> bytes:
    """Return the digest of a user's id, with the salt of the installation.

    >>> digest_of("u", b"salt") == digest_of("u", b"salt") != digest_of("u", b"another")
    True
    """
    return blake2b(user_id.encode("utf-8", "surrogatepass"), key=salt, digest_size=DIGEST_BYTES).digest()


def is_same_log(one: str, other: str) -> bool:
    """Return whether two identities may be of one log: a log without an identity may be any."""
    return not one or not other or one == other


class VoidEvents:
    """Decides which events of one log were appended before their user's erasure.

    Holds digests and offsets, and only those of erasures that are still to be read past.

    >>> void = VoidEvents(b"salt")
    >>> void.add([Erasure(digest_of("u", b"salt"), "", {0: 5}, 0.0)])
    >>> void.contains("u", 0, 4), void.contains("u", 0, 5), void.contains("other", 0, 4)
    (True, False, False)
    >>> void.settle({0: 6})
    >>> bool(void)
    False
    """

    def __init__(self, salt: bytes, log: str = "") -> None:
        self._salt = salt
        self._log = log
        self._offsets: dict[bytes, dict[int, int]] = {}
        self._horizon: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._offsets)

    def digests_of(self, user_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the digest of each id."""
        return {user_id: digest_of(user_id, self._salt) for user_id in user_ids}

    def add(self, erasures: Iterable[Erasure]) -> None:
        """Take erasures in; of a user's several, the later ones count, and those of another log do not."""
        for erasure in erasures:
            if is_same_log(erasure.log, self._log):
                self._put(erasure.digest, erasure.offsets)

    def add_marker(self, user_id: str, partition: int, offset: int) -> None:
        """Take in an erasure of which only one partition's offset is known."""
        self._put(digest_of(user_id, self._salt), {partition: offset})

    def _put(self, digest: bytes, offsets: Mapping[int, int]) -> None:
        known = self._offsets.setdefault(digest, {})
        for partition, offset in offsets.items():
            known[partition] = max(offset, known.get(partition, 0))
            self._horizon[partition] = max(offset, self._horizon.get(partition, 0))

    def contains(self, user_id: str, partition: int, offset: int) -> bool:
        """Return whether an event of this user at this offset no longer counts."""
        # The horizon first: a digest takes a microsecond.
        return offset < self._horizon.get(partition, 0) and offset < self._offset(user_id, partition)

    def covers(self, user_id: str, partition: int, offset: int) -> bool:
        """Return whether an erasure of this user at this offset, or a later one, is known."""
        return offset <= self._offset(user_id, partition, -1)

    def is_ahead(self, user_id: str, next_offsets: Mapping[int, int]) -> bool:
        """Return whether nothing behind the user's erasure was read yet, by the offsets to go on from."""
        offsets = self._offsets.get(digest_of(user_id, self._salt))
        return offsets is not None and _are_ahead(offsets, next_offsets)

    def settle(self, next_offsets: Mapping[int, int]) -> None:
        """Drop the erasures if all of them, and what stands before them, was read."""
        if all(next_offsets.get(partition, 0) > offset for partition, offset in self._horizon.items()):
            self._offsets.clear()
            self._horizon.clear()

    def _offset(self, user_id: str, partition: int, default: int = 0) -> int:
        return self._offsets.get(digest_of(user_id, self._salt), {}).get(partition, default)


NOTHING_VOID = VoidEvents(b"")
"""For a log without erasures."""


def _are_ahead(offsets: Mapping[int, int], next_offsets: Mapping[int, int]) -> bool:
    return all(next_offsets.get(partition, 0) <= offset for partition, offset in offsets.items())


def clipped(erasure: Erasure, ends: Mapping[int, int]) -> Erasure:
    """Return an erasure that lies in its log, which ends at `ends`: a log that was cut gives offsets again.

    >>> clipped(Erasure(b"", "", {0: 9, 1: 3}, 0.0), {0: 5, 1: 8}).offsets
    {0: 5, 1: 3}
    """
    return erasure._replace(
        offsets={
            partition: min(offset, ends.get(partition, offset))
            for partition, offset in erasure.offsets.items()
        }
    )
