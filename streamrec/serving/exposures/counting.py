"""Counting of exposures and events by item, in this process; handed over to the hot cache now and then."""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.status.tally import HOUR_S
from streamrec.ending_tasks import end_tasks
from streamrec.errors import StreamrecError
from streamrec.log_limits import warn_seldom
from streamrec.ports import Metrics
from streamrec.ports.steps import UserSteps
from streamrec.ports.tallies import ItemTallies
from streamrec.serving.exposures.user_steps import LONGEST_TYPE, OTHER_TYPES, SHOWN_WITHIN_S, TakenSteps

SHOWN = "shown"
"""In a list for anybody."""

SHOWN_TO_USER = "shown_to_user"
"""In a list for a user who was named."""

CHOSEN = "chosen"
"""By a user to whom it was shown here within the hour before; once for all of these times."""

EVENT = "event:"
"""Before the type of an event."""

HANDED_OVER_AFTER_S = 10.0
MAX_COUNTS = 20_000
"""Counts that wait, of items and names: some 4 MB. Beyond, what is not among them stays uncounted."""

MAX_TYPES = 20
"""Types of events that are told apart; the others are one. Senders name them as they like."""

MAX_USERS = 5_000
MAX_SHOWN = 100


class ExposureCache(ItemTallies, UserSteps, Protocol):
    """The hot cache as far as exposures go."""


class HasItemId(Protocol):
    """Item of a list."""

    @property
    def item_id(self) -> str:
        """Return its id."""


class Exposures:
    """Counts for the event loop of one process; bounded, and of no weight for an answer.

    Parameters
    ----------
    wall_clock
        Unix seconds.

    Attributes
    ----------
    steps
        Of users, which are handed over with the counts.
    """

    def __init__(
        self, cache: ExposureCache, metrics: Metrics, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._cache, self._metrics, self._clock = cache, metrics, wall_clock
        self.steps = TakenSteps(cache, metrics, wall_clock)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._shown: OrderedDict[str, dict[str, float]] = OrderedDict()
        self._types: set[str] = set()
        self._handing_over: asyncio.Task[None] | None = None

    def note_list(self, user_id: str | None, items: Sequence[HasItemId]) -> None:
        """Count a list that was answered to a user, or to anybody."""
        for item in items:
            self._count(item.item_id, SHOWN)
        if user_id is None or not items:
            return
        self.steps.note_list(user_id, (item.item_id for item in items))
        now = self._clock()
        shown = self._shown.setdefault(user_id, {})
        self._shown.move_to_end(user_id)
        for item in items:
            self._count(item.item_id, SHOWN_TO_USER)
            shown.pop(item.item_id, None)  # what was shown last stands last
            shown[item.item_id] = now
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
                shown_at = self._shown.get(event.user_id, {}).pop(event.item_id, None)
                if shown_at is not None and now - shown_at <= SHOWN_WITHIN_S:
                    self._count(event.item_id, CHOSEN)

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
        if not counts:
            return
        try:
            await self._cache.add_tallies(int(self._clock() // HOUR_S), counts)
        except StreamrecError as error:
            warn_seldom("exposures_not_handed_over", error=str(error))
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
