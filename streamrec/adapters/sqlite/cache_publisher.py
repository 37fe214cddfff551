"""The hot cache in a SQLite file, as the trainer uses it."""

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from streamrec.adapters.sqlite.cache import ITEM_TTL_S
from streamrec.adapters.sqlite.cache_schema import PUT_ITEM, item_row, open_cache_file, version_row
from streamrec.adapters.sqlite.connection import transaction, translated_errors
from streamrec.adapters.sqlite.fence import hold_fence
from streamrec.domain.bars.bar import BarsUpdate, by_slot
from streamrec.domain.generations.challenger import ChallengerStatus, encode_status
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.published_blend import Blend
from streamrec.domain.status.point import StatusPoint, placed
from streamrec.domain.status.report import TrainerReport, encode_report
from streamrec.ports import Lease, Neighbours, RankedItem

_PAGE = 10_000
"""Item ids looked at in one transaction: some 10 ms."""

_encode = msgspec.json.Encoder().encode


class SqliteCachePublisher:
    """Implements `CachePublisher`. Safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_cache_file(path)
        self._lock = threading.Lock()
        self._lease: Callable[[], Lease] | None = None

    def publish_popular(self, rankings: Mapping[str, Sequence[RankedItem]]) -> None:
        """Replace whole rankings, each at once; an empty one is removed."""
        rows = [(name, _encode(ranking).decode()) for name, ranking in rankings.items() if ranking]
        empty = [name for name, ranking in rankings.items() if not ranking]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO popular VALUES (?, ?)", rows)
            _drop_popular(connection, [name.encode() for name in empty])

    def drop_popular_but(self, names: Collection[str]) -> None:
        """Remove all rankings of other names."""
        kept = {name.encode() for name in names}
        with self._writing() as connection:
            # As bytes: a name that is no text must not stop the others' removal.
            held = connection.execute("SELECT CAST(name AS BLOB) FROM popular").fetchall()
            _drop_popular(connection, [name for (name,) in held if name not in kept])

    def publish_neighbours(self, neighbours: Mapping[str, Neighbours]) -> None:
        """Replace the neighbours of some items; an item without any loses those it had."""
        rows = [(item_id, _encode(of_item).decode()) for item_id, of_item in neighbours.items() if of_item]
        without = [(item_id,) for item_id, of_item in neighbours.items() if not of_item]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO neighbours VALUES (?, ?)", rows)
            connection.executemany("DELETE FROM neighbours WHERE item_id = ?", without)

    def drop_neighbours_but(self, item_ids: Collection[str]) -> None:
        """Remove the neighbours of all other items, page by page: other writers need not wait."""
        kept = {item_id.encode() for item_id in item_ids}
        last = b""
        while page := self._item_ids_after(last):
            last = page[-1]
            gone = [(item_id,) for item_id in page if item_id not in kept]
            if gone:
                with self._writing() as connection:
                    connection.executemany("DELETE FROM neighbours WHERE item_id = CAST(? AS TEXT)", gone)

    def _item_ids_after(self, last: bytes) -> list[bytes]:
        with self._lock, translated_errors(self._path):
            rows = self._connection.execute(
                "SELECT CAST(item_id AS BLOB) FROM neighbours WHERE item_id > CAST(? AS TEXT)"
                " AND typeof(item_id) = 'text' ORDER BY item_id LIMIT ?",
                (last, _PAGE),
            ).fetchall()
        return [item_id for (item_id,) in rows]

    def publish_items(self, items: Sequence[Item], versions: Mapping[str, int]) -> None:
        """Cache hidden items, and forget others that changed, unless newer versions are known."""
        now = time.time()
        rows = [
            item_row(item, versions.get(item.item_id, 0), ITEM_TTL_S, now)
            if item.is_hidden
            else version_row(item.item_id, versions.get(item.item_id, 0), ITEM_TTL_S, now)
            for item in items
        ]
        with self._writing() as connection:
            connection.executemany(PUT_ITEM, rows)

    def publish_blend(self, blend: Blend) -> None:
        """Replace what was learned of how to blend sources."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO blend VALUES (1, ?)", (_encode(blend).decode(),))

    def publish_challenger(self, status: ChallengerStatus) -> None:
        """Replace the state of the challenger."""
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO challenger VALUES (1, ?)", (encode_status(status).decode(),)
            )

    def publish_counters(self, counters: Mapping[str, float]) -> None:
        """Replace the trainer's counters."""
        with self._writing() as connection:
            connection.execute("DELETE FROM counters")
            connection.executemany("INSERT INTO counters VALUES (?, ?)", counters.items())

    def publish_report(self, report: TrainerReport, points: Sequence[StatusPoint]) -> None:
        """Replace the trainer's report, and put points of its figures where their rings have them."""
        rows = [
            (ring.interval_s, slot, payload.decode())
            for ring, slots in placed(points).items()
            for slot, payload in slots.items()
        ]
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO report VALUES (1, ?)", (encode_report(report).decode(),)
            )
            connection.executemany("INSERT OR REPLACE INTO points VALUES (?, ?, ?)", rows)

    def publish_bars(self, update: BarsUpdate) -> None:
        """Forget some items' histories, then replace minutes of others."""
        window = update.span.window
        gone = [(slot, item_id) for slot in range(window) for item_id in update.forgotten]
        rows = [
            (slot, item_id, bar)
            for item_id, packed in update.bars.items()
            for slot, bar in by_slot(packed, window).items()
        ]
        rows.sort()  # in the table's order: half the time
        with self._writing() as connection:
            connection.executemany("DELETE FROM history WHERE slot = ? AND item_id = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO history VALUES (?, ?, ?)", rows)
            span = _encode(update.span).decode()
            connection.execute("INSERT OR REPLACE INTO history_span VALUES (1, ?)", (span,))

    def write_under(self, lease: Callable[[], Lease]) -> None:
        """Let each write from now on be that of a lease's holder."""
        self._lease = lease

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction, unless a later holder of the lease has written."""
        lease = None if self._lease is None else self._lease()
        with self._lock, transaction(self._connection, self._path) as connection:
            if lease is not None:
                hold_fence(connection, self._path, lease)
            yield connection

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _drop_popular(connection: sqlite3.Connection, names: Sequence[bytes]) -> None:
    gone = [(name,) for name in names]
    connection.executemany("DELETE FROM popular WHERE name = CAST(? AS TEXT)", gone)
