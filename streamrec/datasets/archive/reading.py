"""Reading of an archive in the order of its log."""

import heapq
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path

import pyarrow.parquet

from streamrec.datasets.archive.parts import Part, parts_in
from streamrec.datasets.archive.rows import Archived, identity_in, opened
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import InvalidDataset

_ROWS_AT_ONCE = 8192
"""Of each partition: bounded memory, and few calls."""


def logs_in(folder: Path) -> dict[str, str]:
    """Return the identity of each log in an archive, by its digest in names.

    Raises
    ------
    InvalidDataset
        When there is no part.
    CorruptArtifact
        When one can't be read.
    """
    parts = parts_in(folder)
    if not parts:
        raise InvalidDataset(
            f"{folder} holds no part of an archive: `streamrec archive {folder}` writes some"
        )
    logs: dict[str, str] = {}
    for part in parts:
        if part.log not in logs:
            with opened(folder / part.name) as file:
                logs[part.log] = identity_in(file)
    return logs


def archived(folder: Path, log: str) -> Iterator[Archived]:
    """Yield the events of a log in the order in which they were appended, each once.

    Parameters
    ----------
    log
        Digest of the log's identity, as names have it.

    Raises
    ------
    CorruptArtifact
        When a part can't be read.
    """
    by_partition: dict[int, list[Part]] = {}
    for part in parts_in(folder):
        if part.log == log:
            by_partition.setdefault(part.partition, []).append(part)
    streams = [_of_partition(folder, parts) for parts in by_partition.values()]
    return heapq.merge(*streams, key=attrgetter("appended_at")) if len(streams) > 1 else streams[0]


def _of_partition(folder: Path, parts: Sequence[Part]) -> Iterator[Archived]:
    """Yield a partition's events; of parts that overlap, each event once."""
    next_offset = 0
    for part in sorted(parts, key=lambda part: part.first):
        with opened(folder / part.name) as file:
            for one in _rows_of(file):
                if one.offset >= next_offset:
                    next_offset = one.offset + 1
                    yield one


def _rows_of(file: pyarrow.parquet.ParquetFile) -> Iterator[Archived]:
    for batch in file.iter_batches(_ROWS_AT_ONCE):
        columns = batch.to_pydict()
        events = map(
            Interaction,
            columns["user_id"],
            columns["item_id"],
            columns["timestamp"],
            columns["type"],
            columns["value"],
            columns["event_id"],
        )
        places = columns["partition"], columns["offset"], columns["appended_at"]
        yield from map(Archived, events, *places)
