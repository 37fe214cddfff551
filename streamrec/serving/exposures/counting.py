"""Counting of exposures and events, in this process; handed over to the hot cache now and then."""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.status.tally import HOUR_S
from streamrec.ending_tasks import end_tasks
from streamrec.errors import StreamrecError
from streamrec.log_limits import warn_seldom
from streamrec.ports import Metrics
from streamrec.ports.steps import UserSteps
from streamrec.ports.tallies import ItemTallies
from streamrec.serving.exposures.names import BOUGHT, CHOSEN, EVENT, SHOWN, SHOWN_TO_USER, step_name
from streamrec.serving.exposures.recent_lists import ListedItem, RecentLists
from streamrec.serving.exposures.user_steps import LONGEST_TYPE, OTHER_TYPES, SHOWN_WITHIN_S, TakenSteps

HANDED_OVER_AFTER_S = 10.0
MAX_COUNTS = 20_000
"""Counts that wait, of items and names: some 4 MB. Beyond, what is not among them stays uncounted."""

MAX_TYPES = 20
"""Types of events that are told apart; the others are one. Senders name them as they like."""

MAX_USERS = 5_000
MAX_SHOWN = 100


class ExposureCache(ItemTallies, UserSteps, Protocol):
    """The hot cache as far as exposures go."""


class _Showing(NamedTuple):
    """The last time that an item was shown to a user: when, to which segment, by which source."""

    at: float
    segment: str | None
    source: str
    is_chosen: bool = False


class Exposures:
    """Counts for the event loop of one process; bounded, and of no weight for an answer.

    Parameters
    ----------
    wall_clock
        Unix seconds.
    purchase_types
        Types of events that are purchases.

    Attributes
    ----------
    steps
        Of users, which are handed over with the counts.
    lists
        The last ones of this process.
    """

    def __init__(
        self,
        cache: ExposureCache,
        metrics: Metrics,
        wall_clock: Callable[[], float] = time.time,
        purchase_types: Collection[str] = (),
    ) -> None:
        self._cache, self._metrics, self._clock = cache, metrics, wall_clock
        self._purchase_types = purchase_types
        self.lists = RecentLists(wall_clock)
        self.steps = TakenSteps(cache, metrics, wall_clock)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._journey: Counter[tuple[str, str]] = Counter()  # of sources and segments: there are few
        self._shown: OrderedDict[str, dict[str, _Showing]] = OrderedDict()
        self._types: set[str] = set()
        self._handing_over: asyncio.Task[None] | None = None

    def note_list(self, user_id: str | None, items: Sequence[ListedItem], segment: str | None = None) -> None:
        """Count a list that was answered to a user of a segment, or to anybody."""
        self.lists.note(items)
        item_ids = [item.item_id for item in items]
        self._count_each(item_ids, SHOWN)
        if user_id is None or not items:
            return
        self._count_each(item_ids, SHOWN_TO_USER)
        self.steps.note_list(user_id, item_ids)
        now, name = self._clock(), step_name(segment, SHOWN)
        shown = self._shown.setdefault(user_id, {})
        self._shown.move_to_end(user_id)
        showings: dict[str, _Showing] = {}  # one for all items of a source
        for item in items:
            self._journey[item.source, name] += 1
            shown.pop(item.item_id, None)  # what was shown last stands last
            showing = showings.get(item.source)
            if showing is None:
                showing = showings[item.source] = _Showing(now, segment, item.source)
            shown[item.item_id] = showing
        while len(shown) > MAX_SHOWN:
            del shown[next(iter(shown))]
        while len(self._shown) > MAX_USERS:
            self._shown.popitem(last=False)

    def note_events(self, events: Iterable[Interaction], weights: EventWeights) -> None:
        """Count events by type, and choices of what was shown."""
        events, now = list(events), self._clock()
        self.steps.note_events(events, weights)
        for event in events:
            self._count(event.item_id, EVENT + self._told_apart(event.type))
            if weights.of(event.type, event.value) > 0:
                self._note_choice(event, now)

    def _note_choice(self, event: Interaction, now: float) -> None:
        shown = self._shown.get(event.user_id, {})
        showing = shown.get(event.item_id)
        if showing is None or now - showing.at > SHOWN_WITHIN_S:
            return
        is_bought = event.type in self._purchase_types
        if not showing.is_chosen:
            self._count(event.item_id, CHOSEN)
            self._journey[showing.source, step_name(showing.segment, CHOSEN)] += 1
        if is_bought:
            self._journey[showing.source, step_name(showing.segment, BOUGHT)] += 1
            del shown[event.item_id]  # nothing follows
        else:
            shown[event.item_id] = showing._replace(is_chosen=True)

    async def forget_user(self, user_id: str) -> None:
        """Forget what was shown to a user, here and in the cache; counts name nobody.

        Raises
        ------
        Unavailable
            When it is not known that the cache has; a repeat does no harm.
        """
        self._shown.pop(user_id, None)
        await self.steps.forget_user(user_id)

    def start(self) -> None:
        """Begin to hand over now and then."""
        if self._handing_over is None:
            self._handing_over = asyncio.create_task(self._hand_over_now_and_then())

    async def hand_over(self) -> None:
        """Add what was counted to the cache; what it does not take waits on."""
        await self.steps.hand_over()
        counts, self._counts = self._counts, Counter()
        journey, self._journey = self._journey, Counter()
        if not counts:
            return
        try:
            await self._cache.add_tallies(int(self._clock() // HOUR_S), counts | journey)
        except StreamrecError as error:
            warn_seldom("exposures_not_handed_over", error=str(error))
            self._journey.update(journey)
            for (item_id, name), n in counts.items():
                self._count(item_id, name, n)

    async def aclose(self) -> None:
        """Stop, and hand over what is left."""
        await end_tasks(self._handing_over)
        await self.hand_over()

    async def _hand_over_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(HANDED_OVER_AFTER_S)
            await self.hand_over()

    def _count_each(self, item_ids: Sequence[str], name: str) -> None:
        counts = self._counts
        if len(counts) + len(item_ids) > MAX_COUNTS:
            for item_id in item_ids:
                self._count(item_id, name)
            return
        for item_id in item_ids:
            counts[item_id, name] += 1

    def _count(self, item_id: str, name: str, n: int = 1) -> None:
        key = item_id, name
        if key in self._counts or len(self._counts) < MAX_COUNTS:
            self._counts[key] += n
        else:
            self._metrics.count("recommender.exposures_uncounted", n)

    def _told_apart(self, type_: str) -> str:
        if type_ not in self._types:
            if len(self._types) >= MAX_TYPES or len(type_) > LONGEST_TYPE:
                return OTHER_TYPES
            self._types.add(type_)
        return type_
