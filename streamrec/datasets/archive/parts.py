"""Parts of an archive: files whose names say which events they hold.

::

    <folder>/
    |-- 2026-11-30-p0-000000000000-000000048210-1f0e2d3c.parquet
    |-- ...              day, partition, first and next offset, and the log's identity as a digest
    |-- _erasures.json   which erasures the parts went through
    `-- run.lock         empty; held by whoever writes

What a part holds is settled by its name alone: it is written under another one, and renamed when it is whole.
So an archive that was stopped anywhere goes on behind its last part.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import pyarrow

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)-p(\d+)-(\d{12,})-(\d{12,})-([0-9a-f]{8})\.parquet")

LOG_KEY = b"streamrec.log"
"""In a file's metadata: the identity of its log."""

SCHEMA = pyarrow.schema(
    [
        pyarrow.field("user_id", pyarrow.string(), nullable=False),
        pyarrow.field("item_id", pyarrow.string(), nullable=False),
        pyarrow.field("timestamp", pyarrow.float64(), nullable=False),  # Unix seconds, as in the log
        pyarrow.field("type", pyarrow.string(), nullable=False),
        pyarrow.field("value", pyarrow.float64()),
        pyarrow.field("event_id", pyarrow.string()),
        pyarrow.field("appended_at", pyarrow.float64(), nullable=False),  # Unix seconds
        pyarrow.field("partition", pyarrow.int32(), nullable=False),
        pyarrow.field("offset", pyarrow.int64(), nullable=False),
    ]
)


class Part(NamedTuple):
    """Events of one partition of one log, from offset `first` to before `next`.

    Attributes
    ----------
    day
        On which the first of them was appended, in UTC, such as ``2026-11-30``.
    log
        Digest of the log's identity.
    """

    day: str
    log: str
    partition: int
    first: int
    next: int

    @property
    def name(self) -> str:
        """Name of the file.

        >>> Part("2026-11-30", "1f0e2d3c", 0, 5, 9).name
        '2026-11-30-p0-000000000005-000000000009-1f0e2d3c.parquet'
        """
        return f"{self.day}-p{self.partition}-{self.first:012d}-{self.next:012d}-{self.log}.parquet"

    def holds(self, other: "Part") -> bool:
        """Return whether another part's events are all in this one."""
        is_of_same = (self.log, self.partition) == (other.log, other.partition)
        return is_of_same and self != other and self.first <= other.first and other.next <= self.next


def part_of(name: str) -> Part | None:
    """Return what a file's name says; None: it is no part.

    >>> part_of(Part("2026-11-30", "1f0e2d3c", 0, 5, 9).name) == Part("2026-11-30", "1f0e2d3c", 0, 5, 9)
    True
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    day, partition, first, after, log = found.groups()
    return Part(day, log, int(partition), int(first), int(after))


def digest_of_log(identity: str) -> str:
    """Return how names of files tell a log: an identity may hold any character."""
    return blake2b(identity.encode(), digest_size=4).hexdigest()


def day_of(appended_at: float) -> str:
    """Return the day of a moment in Unix seconds, in UTC.

    >>> day_of(1764460800.0), day_of(-1e300)
    ('2025-11-30', '1970-01-01')
    """
    try:
        return datetime.fromtimestamp(max(appended_at, 0.0), UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError):  # behind the last day that a computer of ours can name
        return "9999-12-31"


def parts_in(folder: Path) -> list[Part]:
    """Return the parts of an archive in order of their names; those that a later one holds are left out."""
    found = [part_of(path.name) for path in folder.iterdir()] if folder.is_dir() else []
    parts = sorted((part for part in found if part is not None), key=lambda part: part.name)
    held = superseded(parts)
    return [part for part in parts if part not in held]


def superseded(parts: Iterable[Part]) -> set[Part]:
    """Return the parts whose events another one holds: a crash came before they were removed."""
    by_partition: dict[tuple[str, int], list[Part]] = {}
    for part in parts:
        by_partition.setdefault((part.log, part.partition), []).append(part)
    gone: set[Part] = set()
    for of_one in by_partition.values():
        widest: Part | None = None
        for part in sorted(of_one, key=lambda part: (part.first, -part.next)):
            if widest is not None and widest.holds(part):
                gone.add(part)
            else:
                widest = part
    return gone


def next_offsets(parts: Iterable[Part], log: str) -> dict[int, int]:
    """Return where the archive of a log goes on, by partition; `log` is the identity's digest."""
    ends: dict[int, int] = {}
    for part in parts:
        if part.log == log:
            ends[part.partition] = max(part.next, ends.get(part.partition, 0))
    return ends
