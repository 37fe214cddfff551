"""Partition of a key, by the rule of Kafka's own client, at a fraction of the driver's time."""

import struct
from functools import lru_cache
from typing import Any

from kafka.partitioner.abc import Partitioner

_MASK = 0xFFFFFFFF
_FACTOR = 0x5BD1E995
_SEED = 0x9747B28C
_N_REMEMBERED = 100_000


@lru_cache(_N_REMEMBERED)
def murmur2(key: bytes) -> int:
    """Return a key's hash as Kafka's Java client computes it (Austin Appleby's MurmurHash2), 31 bits of it.

    Users and items come again and again, so the last ones are remembered.

    >>> murmur2(b"21"), murmur2(b"foobar")
    (1173551340, 1357151166)
    """
    n_whole = len(key) & ~3
    found = _SEED ^ len(key)
    for (word,) in struct.iter_unpack("<I", key[:n_whole]):
        mixed = word * _FACTOR & _MASK
        mixed = (mixed ^ mixed >> 24) * _FACTOR & _MASK
        found = found * _FACTOR & _MASK ^ mixed
    if n_whole < len(key):
        found = (found ^ int.from_bytes(key[n_whole:], "little")) * _FACTOR & _MASK
    found = (found ^ found >> 13) * _FACTOR & _MASK
    return (found ^ found >> 15) & 0x7FFFFFFF


class KeyPartitioner(Partitioner):  # type: ignore[misc]  # the driver has no types
    """Settles the partition of records with a key."""

    def partition(self, topic: str, key: bytes, serialized_key: bytes, *rest: Any) -> int:  # noqa: ANN401
        """Return a partition of `topic`; they are numbered from 0 without gaps."""
        _value, _serialized_value, cluster = rest
        return murmur2(serialized_key) % len(cluster.partitions_for_topic(topic))
