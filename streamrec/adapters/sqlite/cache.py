"""The hot cache in a SQLite file."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from streamrec.adapters.attempts import Attempts
from streamrec.adapters.sqlite.cache_schema import (
    PUT_ITEM,
    decode_counters,
    decode_items,
    item_row,
    open_cache_file,
    readable_items,
    version_row,
)
from streamrec.adapters.sqlite.connection import in_list, transaction, translated_errors
from streamrec.adapters.sqlite.exposures.steps import READ_STEPS, add_steps, forget_steps
from streamrec.adapters.sqlite.exposures.tallies import ADD_TALLY, decode_tallies
from streamrec.adapters.sqlite.near_items import ItemCopies
from streamrec.domain.bars.bar import HeldBars, decode_span, unpack
from streamrec.domain.generations.challenger import ChallengerStatus, decode_status
from streamrec.domain.items.item import Item
from streamrec.domain.popularity.ranked_item import decode_ranking
from streamrec.domain.ranking.published_blend import Blend, decode_blend
from streamrec.domain.status.point import Ring, StatusPoint, decode_points
from streamrec.domain.status.report import TrainerReport, decode_report
from streamrec.domain.status.tally import N_HOURS
from streamrec.domain.users.steps import KEPT_S, MAX_STEPS, Step, decode_steps
from streamrec.ports import NO_VERSIONS, Neighbours, RankedItem
from streamrec.serving.sources.near_neighbours import TOO_OLD_S, DecodedNeighbours, NearNeighbours

ITEM_TTL_S = 300.0
"""Whoever changes the store and does not tell the cache is heard after so long."""


class SqliteCache:
    """Implements `HotCache`. As in the store, reads run in the event loop and writes in a thread.

    Parameters
    ----------
    item_ttl_s
        Seconds that a cached item lives.
    copies_age_s
        A copy of an item's neighbours is at most so old, in seconds; 0: none is used.
    clock
        Unix seconds, for the ends of items.
    """

    def __init__(
        self,
        path: Path,
        *,
        item_ttl_s: float = ITEM_TTL_S,
        copies_age_s: float = TOO_OLD_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._item_ttl_s = item_ttl_s
        self._clock = clock
        self._writer = open_cache_file(path)
        self._reader = open_cache_file(path)
        self._attempts = Attempts()
        self._copies = ItemCopies()
        self._decoded = DecodedNeighbours()
        self._neighbours = NearNeighbours(self._read_neighbours, time.monotonic, too_old_s=copies_age_s)

    async def popular(self, name: str, limit: int) -> list[RankedItem]:
        """Return the head of a ranking, best first; empty when there is none of this name."""
        rows = self._read("SELECT CAST(ranking AS BLOB) FROM popular WHERE name = ?", name)
        return decode_ranking(rows[0][0], max(limit, 0)) if rows else []

    async def neighbours(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        """Return the neighbours of these, nearest first; items without any are left out."""
        return await self._neighbours.neighbours(item_ids)

    async def blend(self) -> Blend | None:
        """Return the blend as last published."""
        rows = self._read("SELECT CAST(blend AS BLOB) FROM blend")
        return decode_blend(rows[0][0]) if rows else None

    async def challenger(self) -> ChallengerStatus | None:
        """Return the challenger's state as last published."""
        rows = self._read("SELECT CAST(status AS BLOB) FROM challenger")
        return decode_status(rows[0][0]) if rows else None

    async def counters(self) -> dict[str, float]:
        """Return the trainer's counters as last published."""
        return decode_counters(self._read("SELECT name, value FROM counters"))

    async def report(self) -> TrainerReport | None:
        """Return the trainer's report as last published."""
        rows = self._read("SELECT CAST(report AS BLOB) FROM report")
        return decode_report(rows[0][0]) if rows else None

    async def points(self, ring: Ring, slots: Sequence[int]) -> list[StatusPoint]:
        """Return the points that stand at some slots of a ring, the oldest first."""
        every_slot = ",".join(map(str, slots))
        rows = self._read(
            f"SELECT slot, CAST(point AS BLOB) FROM points WHERE interval_s = ? AND slot IN ({every_slot})",
            ring.interval_s,
        )
        return decode_points(ring, rows)

    async def history(self, item_id: str) -> HeldBars | None:
        """Return an item's minutes as last published; None for an item without any."""
        written = self._read("SELECT CAST(span AS BLOB) FROM history_span")
        if not written:
            return None
        span = decode_span(written[0][0])
        every_slot = ",".join(map(str, range(span.window)))
        slots = self._read(
            f"SELECT slot, CAST(bar AS BLOB) FROM history WHERE slot IN ({every_slot}) AND item_id = ?",
            item_id,
        )
        return HeldBars(span.now, unpack(slots, span.window)) if slots else None

    async def add_tallies(self, hour: int, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to the counts of an hour; older ones than a day go."""
        await self._write(ADD_TALLY, [(hour, item_id, name, n) for (item_id, name), n in counts.items()])
        await self._write("DELETE FROM tallies WHERE hour <= ?", [(hour - N_HOURS,)])

    async def tallies(self, item_id: str, hours: Sequence[int]) -> dict[tuple[int, str], int]:
        """Return an item's counts in some hours, by hour and name."""
        every_hour = ",".join(map(str, hours))
        rows = self._read(
            f"SELECT hour, name, n FROM tallies WHERE hour IN ({every_hour}) AND item_id = ?", item_id
        )
        return decode_tallies(rows)

    async def add_steps(self, steps: Mapping[str, Sequence[Step]]) -> None:
        """Add steps by user, within bounds."""
        if steps:
            await self._change(lambda connection: add_steps(connection, steps, self._clock()))

    async def steps(self, user_id: str) -> list[Step]:
        """Return the steps of a user within the last day, newest first."""
        rows = self._read(READ_STEPS, user_id, self._clock() - KEPT_S, MAX_STEPS)
        return decode_steps(step for (step,) in rows)

    async def forget_steps(self, user_id: str) -> None:
        """Remove a user's steps, and take none for a while."""
        await self._change(lambda connection: forget_steps(connection, user_id, self._clock()))

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata; what is not cached, or too old, is left out."""
        now = self._clock()
        # The mark of the last change first: what is read after it is as new as it, or newer.
        changes = self._read("SELECT CAST(n AS BLOB) FROM item_changes WHERE id = 1")
        version = changes[0][0] if changes else None
        found, missing = self._copies.find(item_ids, version, now)
        if missing:
            read, ends_at = self._items(missing, now)
            self._copies.keep(read, version, ends_at)
            found.update(read)
        return found

    async def last_known(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata, also what is too old."""
        return self._items(item_ids, float("-inf"))[0]

    def _items(self, item_ids: Sequence[str], now: float) -> tuple[dict[str, Item], float]:
        """Return cached metadata that does not end before now, and when the first of it ends."""
        marks, parameters = in_list(item_ids)
        young = (
            f"FROM items WHERE item_id IN {marks} AND expires_at > ? AND typeof(expires_at) = 'real'"
            " AND document <> ''"
        )
        # One row: handing rows over to Python takes longer than reading them.
        rows = self._read(
            f"SELECT count(*), min(expires_at), CAST('[' || group_concat(document) || ']' AS BLOB) {young}",
            *parameters,
            now,
        )
        n_documents, ends_at, documents = rows[0]
        found = decode_items(documents) if n_documents else {}
        if len(found) == n_documents and found.keys() <= set(item_ids):
            return found, ends_at if n_documents else now
        rows = self._read(f"SELECT item_id, CAST(document AS BLOB) {young}", *parameters, now)
        return readable_items(rows), ends_at

    async def put_items(self, items: Sequence[Item], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Cache metadata for a while, unless a newer version is known."""
        now, ttl_s = self._clock(), self._item_ttl_s
        rows = [item_row(item, versions.get(item.item_id, 0), ttl_s, now) for item in items]
        await self._write(PUT_ITEM, rows)

    async def drop_items(self, item_ids: Sequence[str], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Forget cached metadata after a change, unless it is of a newer version."""
        now, ttl_s = self._clock(), self._item_ttl_s
        versioned = [(item_id, versions[item_id]) for item_id in item_ids if versions.get(item_id)]
        await self._write(PUT_ITEM, [version_row(*one, ttl_s, now) for one in versioned])
        rest = [(item_id,) for item_id in item_ids if not versions.get(item_id)]
        await self._write("DELETE FROM items WHERE item_id = ?", rest)

    async def check(self) -> None:
        """Look whether the file can be read."""
        self._read("SELECT 1 FROM counters LIMIT 1")

    async def aclose(self) -> None:
        """Close the file."""
        with self._attempts.none():
            self._reader.close()
            self._writer.close()

    async def _read_neighbours(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        marks, parameters = in_list(item_ids)
        rows = self._read(
            f"SELECT item_id, CAST(neighbours AS BLOB) FROM neighbours WHERE item_id IN {marks}", *parameters
        )
        return self._decoded.of(rows)

    def _read(self, statement: str, *parameters: str | float | None) -> list[tuple[Any, ...]]:
        with translated_errors(self._path):
            return self._reader.execute(statement, parameters).fetchall()

    async def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            await self._change(lambda connection: connection.executemany(statement, rows))

    async def _change(self, change: Callable[[sqlite3.Connection], object]) -> None:
        def write() -> None:
            # As in the store: none waits for a file that another holds behind each who does.
            with self._attempts.one(), transaction(self._writer, self._path) as connection:
                change(connection)

        await asyncio.to_thread(write)
