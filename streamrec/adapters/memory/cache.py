"""The hot cache in memory: for tests, and for evaluation without a disk."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from streamrec.domain.bars.bar import BarsSpan, BarsUpdate, HeldBars, by_slot, unpack
from streamrec.domain.generations.challenger import ChallengerStatus
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.published_blend import Blend
from streamrec.domain.status.point import RINGS, Ring, StatusPoint, decode_points, placed
from streamrec.domain.status.report import TrainerReport
from streamrec.domain.status.tally import N_HOURS
from streamrec.domain.users.steps import KEPT_S, MAX_STEPS, MAX_USERS, REFUSED_S, Step, encode_step
from streamrec.ports import NO_VERSIONS, Neighbours, RankedItem


class MemoryCache:
    """Implements `CachePublisher` and `HotCache`."""

    def __init__(self, *, item_ttl_s: float = 300.0, clock: Callable[[], float] = time.time) -> None:
        self._item_ttl_s = item_ttl_s
        self._clock = clock
        self._rankings: dict[str, list[RankedItem]] = {}
        self._neighbours: dict[str, Neighbours] = {}
        self._counters: dict[str, float] = {}
        self._blend: Blend | None = None
        self._challenger: ChallengerStatus | None = None
        self._report: TrainerReport | None = None
        self._points: dict[int, dict[int, bytes]] = {ring.interval_s: {} for ring in RINGS.values()}
        self._items: dict[str, tuple[Item | None, float]] = {}
        self._versions: dict[str, int] = {}
        self._span = BarsSpan(0.0, 1)
        self._histories: dict[str, dict[int, bytes]] = {}
        self._tallies: dict[int, Counter[tuple[str, str]]] = {}
        self._steps: dict[str, list[Step]] = {}
        self._refused_until: dict[str, float] = {}

    def publish_popular(self, rankings: Mapping[str, Sequence[RankedItem]]) -> None:
        """Replace whole rankings; an empty one is removed."""
        for name, ranking in rankings.items():
            if ranking:
                self._rankings[name] = list(ranking)
            else:
                self._rankings.pop(name, None)

    def drop_popular_but(self, names: Collection[str]) -> None:
        """Remove all rankings of other names."""
        kept = set(names)
        self._rankings = {name: ranking for name, ranking in self._rankings.items() if name in kept}

    def publish_neighbours(self, neighbours: Mapping[str, Neighbours]) -> None:
        """Replace the neighbours of some items; an item without any loses those it had."""
        for item_id, of_item in neighbours.items():
            if of_item:
                self._neighbours[item_id] = of_item
            else:
                self._neighbours.pop(item_id, None)

    def drop_neighbours_but(self, item_ids: Collection[str]) -> None:
        """Remove the neighbours of all other items."""
        kept = set(item_ids)
        self._neighbours = {id_: of_item for id_, of_item in self._neighbours.items() if id_ in kept}

    def publish_blend(self, blend: Blend) -> None:
        """Replace what was learned of how to blend sources."""
        self._blend = blend

    def publish_challenger(self, status: ChallengerStatus) -> None:
        """Replace the state of the challenger."""
        self._challenger = status

    def publish_counters(self, counters: Mapping[str, float]) -> None:
        """Replace the trainer's counters."""
        self._counters = dict(counters)

    def publish_report(self, report: TrainerReport, points: Sequence[StatusPoint]) -> None:
        """Replace the trainer's report, and put points of its figures where their rings have them."""
        self._report = report
        for ring, slots in placed(points).items():
            self._points[ring.interval_s].update(slots)

    def publish_bars(self, update: BarsUpdate) -> None:
        """Forget some items' histories, then replace minutes of others."""
        self._span = update.span
        for item_id in update.forgotten:
            self._histories.pop(item_id, None)
        for item_id, packed in update.bars.items():
            self._histories.setdefault(item_id, {}).update(by_slot(packed, update.span.window))

    async def popular(self, name: str, limit: int) -> list[RankedItem]:
        """Return the head of a ranking, best first; empty when there is none of this name."""
        return self._rankings.get(name, [])[:limit]

    async def neighbours(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        """Return the neighbours of these, nearest first; items without any are left out."""
        return {item_id: self._neighbours[item_id] for item_id in item_ids if item_id in self._neighbours}

    async def blend(self) -> Blend | None:
        """Return the blend as last published."""
        return self._blend

    async def challenger(self) -> ChallengerStatus | None:
        """Return the challenger's state as last published."""
        return self._challenger

    async def counters(self) -> dict[str, float]:
        """Return the trainer's counters as last published."""
        return dict(self._counters)

    async def report(self) -> TrainerReport | None:
        """Return the trainer's report as last published."""
        return self._report

    async def points(self, ring: Ring, slots: Sequence[int]) -> list[StatusPoint]:
        """Return the points that stand at some slots of a ring, the oldest first."""
        held = self._points[ring.interval_s]
        return decode_points(ring, [(slot, held[slot]) for slot in slots if slot in held])

    async def history(self, item_id: str) -> HeldBars | None:
        """Return an item's minutes as last published; None for an item without any."""
        slots = self._histories.get(item_id)
        return None if slots is None else HeldBars(self._span.now, unpack(slots.items(), self._span.window))

    async def add_tallies(self, hour: int, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to the counts of an hour; older ones than a day go."""
        self._tallies.setdefault(hour, Counter()).update(counts)
        self._tallies = {kept: of for kept, of in self._tallies.copy().items() if kept > hour - N_HOURS}

    async def tallies(self, item_id: str, hours: Sequence[int]) -> dict[tuple[int, str], int]:
        """Return an item's counts in some hours, by hour and name."""
        return {
            (hour, name): n
            for hour in hours
            for (of_item, name), n in self._tallies.get(hour, Counter()).copy().items()
            if of_item == item_id
        }

    async def add_steps(self, steps: Mapping[str, Sequence[Step]]) -> None:
        """Add steps by user, within bounds."""
        for user_id, added in steps.items():
            if added and self._refused_until.get(user_id, 0.0) <= self._clock():
                kept = {*self._steps.get(user_id, ()), *added}
                in_order = sorted(kept, key=lambda step: (step.at, encode_step(step)), reverse=True)
                self._steps[user_id] = in_order[:MAX_STEPS]
        last = sorted(self._steps, key=lambda user_id: self._steps[user_id][0].at, reverse=True)
        self._steps = {user_id: self._steps[user_id] for user_id in last[:MAX_USERS]}

    async def steps(self, user_id: str) -> list[Step]:
        """Return the steps of a user within the last day, newest first."""
        since = self._clock() - KEPT_S
        return [step for step in self._steps.get(user_id, ()) if step.at > since]

    async def forget_steps(self, user_id: str) -> None:
        """Remove a user's steps, and take none for a while."""
        self._refused_until[user_id] = self._clock() + REFUSED_S
        self._steps.pop(user_id, None)

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata; what is not cached, or too old, is left out."""
        now = self._clock()
        cached = ((item_id, self._items.get(item_id)) for item_id in item_ids)
        return {id_: entry[0] for id_, entry in cached if entry and entry[0] and entry[1] > now}

    async def last_known(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata, also what is too old."""
        cached = ((item_id, self._items.get(item_id)) for item_id in item_ids)
        return {item_id: entry[0] for item_id, entry in cached if entry and entry[0]}

    async def put_items(self, items: Sequence[Item], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Cache metadata for a while, unless a newer version is known."""
        expires_at = self._clock() + self._item_ttl_s
        for item in items:
            if self._is_newest(item.item_id, versions):
                self._items[item.item_id] = (item, expires_at)

    async def drop_items(self, item_ids: Sequence[str], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Forget cached metadata after a change, unless it is of a newer version."""
        for item_id in item_ids:
            if not versions.get(item_id):
                self._versions.pop(item_id, None)
            if self._is_newest(item_id, versions):
                self._items.pop(item_id, None)

    def publish_items(self, items: Sequence[Item], versions: Mapping[str, int]) -> None:
        """Cache hidden items, and forget others that changed, unless newer versions are known."""
        for item in items:
            if self._is_newest(item.item_id, versions):
                entry = (item if item.is_hidden else None, self._clock() + self._item_ttl_s)
                self._items[item.item_id] = entry

    def _is_newest(self, item_id: str, versions: Mapping[str, int]) -> bool:
        version = versions.get(item_id, 0)
        if version < self._versions.get(item_id, 0):
            return False
        self._versions[item_id] = version
        return True

    def write_under(self, lease: object) -> None:
        """Nothing to do: memory has one writer."""

    def close(self) -> None:
        """Nothing to release."""

    async def check(self) -> None:
        """Memory is always there."""

    async def aclose(self) -> None:
        """Nothing to release."""
