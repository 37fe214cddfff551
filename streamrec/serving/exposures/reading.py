"""Reading of what was counted of an item within the last day."""

import time
from collections.abc import Callable

import msgspec

from streamrec.domain.status.tally import HOUR_S, Share, hours_until, share_of
from streamrec.ports.tallies import ItemTallies
from streamrec.serving.exposures.names import CHOSEN, EVENT, SHOWN, SHOWN_TO_USER
from streamrec.serving.guard import Guard


class ChosenShare(msgspec.Struct, frozen=True):
    """Share of an item's showings after which it was chosen; `low` and `high`: Wilson's interval, of 95 %."""

    share: float
    low: float
    high: float


class ExposuresAnswer(msgspec.Struct, frozen=True):
    """Counts of an item in the last 24 hours, by the hour, the oldest first.

    Attributes
    ----------
    at
        When each hour begins, in Unix seconds.
    shown
        Lists in which it stood.
    shown_to_user
        Of these, lists for a user who was named.
    chosen
        By users to whom it was shown within the hour before, counted once whatever number of times that was.
    events
        Events about it that this API took, by type: also of those who were shown nothing.
    chosen_share
        `chosen` of `shown_to_user`, in all; null before it was shown to a user.
    """

    item_id: str
    at: list[int]
    shown: list[int]
    shown_to_user: list[int]
    chosen: list[int]
    events: dict[str, list[int]]
    chosen_share: ChosenShare | None


class ExposureReader:
    """Reads from the hot cache, to which every server hands over.

    Parameters
    ----------
    clock
        Unix seconds.
    """

    def __init__(self, cache: ItemTallies, guard: Guard, clock: Callable[[], float] = time.time) -> None:
        self._cache, self._guard, self._clock = cache, guard, clock

    async def read(self, item_id: str) -> ExposuresAnswer:
        """Return the counts of an item; zeros where there are none.

        Raises
        ------
        Unavailable
            When the cache does not answer.
        """
        hours = hours_until(self._clock())
        counts = await self._guard.call(lambda: self._cache.tallies(item_id, hours))

        def of(name: str) -> list[int]:
            return [counts.get((hour, name), 0) for hour in hours]

        types = sorted({name.removeprefix(EVENT) for _, name in counts if name.startswith(EVENT)})
        to_user, chosen = of(SHOWN_TO_USER), of(CHOSEN)
        return ExposuresAnswer(
            item_id,
            [hour * HOUR_S for hour in hours],
            of(SHOWN),
            to_user,
            chosen,
            {type_: of(EVENT + type_) for type_ in types},
            _told(share_of(sum(chosen), sum(to_user))),
        )


def _told(share: Share | None) -> ChosenShare | None:
    return None if share is None else ChosenShare(*share)
