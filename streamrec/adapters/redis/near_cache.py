"""The hot cache in Redis, with copies inside the process of what it reads all the time.

A recommendation in steady state then makes no round trip to Redis at all. Copies of items are dropped when
another process says that it changed them; while we can't hear the others, there are none.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence

from streamrec.adapters.redis.cache import RedisCache
from streamrec.adapters.redis.changes import RedisChanges
from streamrec.adapters.redis.connection import RedisAddress
from streamrec.adapters.redis.items import CHANNEL, ITEM_TTL_S
from streamrec.adapters.redis.near_items import NearItems
from streamrec.adapters.redis.values import CachedItem
from streamrec.domain.bars.bar import HeldBars
from streamrec.domain.generations.challenger import ChallengerStatus
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.published_blend import Blend
from streamrec.domain.status.point import Ring, StatusPoint
from streamrec.domain.status.report import TrainerReport
from streamrec.domain.users.steps import Step
from streamrec.ending_tasks import end_tasks
from streamrec.errors import StreamrecError
from streamrec.ports import NO_VERSIONS, Neighbours, RankedItem
from streamrec.serving.sources.near_neighbours import TOO_OLD_S, NearNeighbours


class RedisNearCache:
    """Implements `HotCache`.

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
        address: RedisAddress,
        *,
        item_ttl_s: float = ITEM_TTL_S,
        copies_age_s: float = TOO_OLD_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._far = RedisCache(address, item_ttl_s=item_ttl_s, clock=clock)
        self._item_ttl_s = item_ttl_s
        self._clock = clock
        self._items = NearItems()
        self._neighbours = NearNeighbours(self._far.neighbours, time.monotonic, too_old_s=copies_age_s)
        self._changes = RedisChanges(
            address, address.key(CHANNEL), self._far.name, self._items.drop, self._items.clear
        )
        self._listening: asyncio.Task[None] | None = None
        self._renewing: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def popular(self, name: str, limit: int) -> list[RankedItem]:
        """Return the head of a ranking, best first; empty when there is none of this name."""
        return await self._far.popular(name, limit)

    async def neighbours(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        """Return the neighbours of these, nearest first; items without any are left out."""
        return await self._neighbours.neighbours(item_ids)

    async def blend(self) -> Blend | None:
        """Return the blend as last published."""
        return await self._far.blend()

    async def challenger(self) -> ChallengerStatus | None:
        """Return the challenger's state as last published."""
        return await self._far.challenger()

    async def counters(self) -> dict[str, float]:
        """Return the trainer's counters as last published."""
        return await self._far.counters()

    async def report(self) -> TrainerReport | None:
        """Return the trainer's report as last published."""
        return await self._far.report()

    async def points(self, ring: Ring, slots: Sequence[int]) -> list[StatusPoint]:
        """Return the points that stand at some slots of a ring, the oldest first."""
        return await self._far.points(ring, slots)

    async def history(self, item_id: str) -> HeldBars | None:
        """Return an item's minutes as last published; None for an item without any."""
        return await self._far.history(item_id)

    async def add_tallies(self, hour: int, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to the counts of an hour; each goes after a day."""
        await self._far.add_tallies(hour, counts)

    async def tallies(self, item_id: str, hours: Sequence[int]) -> dict[tuple[int, str], int]:
        """Return an item's counts in some hours, by hour and name."""
        return await self._far.tallies(item_id, hours)

    async def add_steps(self, steps: Mapping[str, Sequence[Step]]) -> None:
        """Add steps by user, within bounds."""
        await self._far.add_steps(steps)

    async def steps(self, user_id: str) -> list[Step]:
        """Return the steps of a user within the last day, newest first."""
        return await self._far.steps(user_id)

    async def forget_steps(self, user_id: str) -> None:
        """Remove a user's steps, and take none for a while."""
        await self._far.forget_steps(user_id)

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata; what is not cached, or too old, is left out."""
        if not self.keeps_copies():
            return await self._far.get_items(item_ids)
        found, ageing = self._items.find(item_ids, self._clock())
        self._renew_later(ageing)
        missing = [item_id for item_id in item_ids if item_id not in found]
        if missing:
            cached = await self._read(missing)
            found.update((item_id, entry.item) for item_id, entry in cached.items() if entry.item)
        return found

    async def last_known(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata, of hidden items also what is too old."""
        return await self._far.last_known(item_ids)

    async def put_items(self, items: Sequence[Item], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Cache metadata for a while, unless a newer version is known, and tell the other processes."""
        self._items.drop(item.item_id for item in items)
        epoch, expires_at = self._items.epoch, self._clock() + self._item_ttl_s
        newest = await self._far.write_items(items, versions)
        if self.keeps_copies():
            cached = {item.item_id: CachedItem(item, expires_at) for item in items if item.item_id in newest}
            self._items.keep(cached, epoch, self._clock())

    async def drop_items(self, item_ids: Sequence[str], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Forget cached metadata after a change, and tell the other processes."""
        self._items.drop(item_ids)
        await self._far.drop_items(item_ids, versions)
        # Once more: what was read from Redis before it was gone there must not be kept now.
        self._items.drop(item_ids)

    async def check(self) -> None:
        """Return when Redis answers, and lets us in."""
        await self._far.check()

    async def aclose(self) -> None:
        """End what goes on beside the requests, and close the connections."""
        await end_tasks(self._listening)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._changes.aclose()
        await self._far.aclose()

    def keeps_copies(self) -> bool:
        """Return whether we hear of changes, and so may keep copies; the first to ask begins to listen."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._changes.listen())
        return self._changes.stands

    async def _read(self, item_ids: Sequence[str]) -> dict[str, CachedItem]:
        epoch = self._items.epoch
        cached = await self._far.get_cached(item_ids)
        if self._changes.stands:
            self._items.keep(cached, epoch, self._clock())
        return cached

    def _renew_later(self, ageing: Sequence[str]) -> None:
        due = [item_id for item_id in ageing if item_id not in self._renewing]
        if due:
            self._renewing.update(due)
            task = asyncio.create_task(self._renew(due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _renew(self, item_ids: Sequence[str]) -> None:
        try:
            # What can't be read now is read when its copy has ended.
            with contextlib.suppress(StreamrecError):
                await self._read(item_ids)
        finally:
            self._renewing.difference_update(item_ids)
