"""Logs that no longer hold, or do not hold yet, what was to be read next."""

from streamrec.adapters.kafka.address import KafkaPlace
from streamrec.adapters.kafka.offsets import Places
from streamrec.errors import LogTruncated
from streamrec.ports import COMPACTED_TOPICS


def readable_places(places: Places, starts: Places, ends: Places, place: KafkaPlace) -> Places:
    """Return `places` as they can be read from.

    They are what was given, but in compacted topics not before the log's start: what is gone from there was
    superseded, and reading on at the start misses no last value.

    Raises
    ------
    LogTruncated
        When a log ends before its place, or deleted records that nobody read.
    """
    readable = {}
    for partition, offset in places.items():
        start, end = starts[partition], ends[partition]
        if offset > end:
            raise truncation(place, partition, f"ends at offset {end}", offset)
        if offset < start and partition[0] not in COMPACTED_TOPICS:
            fate = f"begins at offset {start}, for its retention deleted {start - offset} unread records"
            raise truncation(place, partition, fate, offset)
        readable[partition] = max(offset, start)
    return readable


def truncation(place: KafkaPlace, partition: tuple[str, int], fate: str, offset: int) -> LogTruncated:
    """Return the error for a log that met its fate before it was read from `offset` on."""
    topic, number = partition
    return LogTruncated(
        f"{place.shown}: the log of {place.prefix + topic!r} (partition {number}) {fate}, but reading should"
        f" go on at {offset}"
    )
