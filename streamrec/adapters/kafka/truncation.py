"""Logs that no longer hold, or do not hold yet, what was to be read next."""

from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.offsets import Positions
from streamrec.errors import LogTruncated
from streamrec.ports import COMPACTED_TOPICS


def readable_positions(
    positions: Positions, starts: Positions, ends: Positions, address: KafkaAddress
) -> Positions:
    """Return `positions` as they can be read from.

    They are what was given, but in compacted topics not before the log's start: what is gone from there was
    superseded, and reading on at the start misses no last value.

    Raises
    ------
    LogTruncated
        When a log ends before its offset, or deleted records that nobody read.
    """
    readable = {}
    for partition, offset in positions.items():
        start, end = starts[partition], ends[partition]
        if offset > end:
            raise truncation(address, partition, f"ends at offset {end}", offset)
        if offset < start and partition[0] not in COMPACTED_TOPICS:
            fate = f"begins at offset {start}, for its retention deleted {start - offset} unread records"
            raise truncation(address, partition, fate, offset)
        readable[partition] = max(offset, start)
    return readable


def truncation(address: KafkaAddress, partition: tuple[str, int], fate: str, offset: int) -> LogTruncated:
    """Return the error for a log that met its fate before it was read from `offset` on."""
    topic, number = partition
    return LogTruncated(
        f"{address.shown}: the log of {address.prefix + topic!r} (partition {number}) {fate}, but reading"
        f" should go on at {offset}"
    )
