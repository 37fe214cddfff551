"""Events and lists as a history says them, and what the keepers of bars and of experiments make of them.

What a keeper has counted stays counted when its user is erased; what it had not read by then counts no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import NamedTuple

from streamrec.domain.bars.bar import MINUTE_S, Bar

_MOST_UNCERTAIN = 10
"""Of an item's ticks: of more, not every subset is looked at."""


class Said(NamedTuple):
    """An event.

    Attributes
    ----------
    is_certain
        Whether it was accepted.
    value
        Of a tick; None: it is none.
    at_s
        When a tick happened, in seconds since the history began.
    request_id
        The list that a click answers; empty: it is no click.
    """

    user_id: str
    item_id: str
    type: str
    event_id: str
    is_certain: bool
    value: float | None = None
    at_s: float = 0.0
    request_id: str = ""


class Offered(NamedTuple):
    """A list that a user was shown in the history's experiment."""

    request_id: str
    user_id: str
    item_ids: tuple[str, ...]
    is_certain: bool


@dataclass
class Kept:
    """What keepers must have counted, and what they may have.

    Attributes
    ----------
    events
        Ticks and clicks, by event id.
    lists
        By request id.
    passed_over
        Users erased by a clock that was ahead: their lists do not count until that time has come.
    """

    events: dict[str, Said] = field(default_factory=dict)
    lists: dict[str, Offered] = field(default_factory=dict)
    passed_over: set[str] = field(default_factory=set)

    def say(self, said: Said) -> None:
        """Note an event; a repeat of one may make it certain."""
        if said.is_certain or said.event_id not in self.events:
            self.events[said.event_id] = said

    def offer(self, offered: Offered) -> None:
        """Note a list."""
        is_certain = offered.is_certain and offered.user_id not in self.passed_over
        self.lists[offered.request_id] = offered._replace(is_certain=is_certain)

    def erase(self, user_id: str) -> None:
        """Note that a user was erased."""
        for id_, said in self.events.items():
            if said.user_id == user_id:
                self.events[id_] = said._replace(is_certain=False)
        for id_, offered in self.lists.items():
            if offered.user_id == user_id:
                self.lists[id_] = offered._replace(is_certain=False)

    def lists_of(self, user_id: str) -> list[Offered]:
        """Return the lists of a user that count for certain."""
        return [one for one in self.lists.values() if one.user_id == user_id and one.is_certain]

    def n_lists(self) -> tuple[int, int]:
        """Return how many lists must count, and how many may."""
        return sum(one.is_certain for one in self.lists.values()), len(self.lists)

    def n_clicks(self) -> tuple[int, int]:
        """Return how many clicks must count, and how many may: one for each item of a list."""
        clicks = [one for one in self.events.values() if one.request_id]
        certain = [one for one in clicks if one.is_certain and self.lists[one.request_id].is_certain]
        must, may = ({(one.request_id, one.item_id) for one in some} for some in (certain, clicks))
        return len(must), len(may)

    def n_ticks(self, item_id: str) -> int:
        """Return how many ticks of an item may count."""
        return len(self._ticks(item_id))

    def wrong_bars(self, item_id: str, found: list[Bar], began_at: float) -> str:
        """Return what is wrong with an item's bars; empty: nothing is."""
        ticks = self._ticks(item_id)
        must = [one for one in ticks if one.is_certain]
        may = [one for one in ticks if not one.is_certain]
        if len(may) > _MOST_UNCERTAIN:
            n = sum(bar.count for bar in found)
            return "" if len(must) <= n <= len(ticks) else f"{n} ticks of {len(must)} to {len(ticks)}"
        if any(bars_of([*must, *some], began_at) == found for some in _subsets(may)):
            return ""
        return f"bars {found}, not {bars_of(must, began_at)} and some of {may}"

    def _ticks(self, item_id: str) -> list[Said]:
        return [one for one in self.events.values() if one.item_id == item_id and one.value is not None]


def bars_of(ticks: list[Said], began_at: float) -> list[Bar]:
    """Return the minutes of ticks, by a plain account of each."""
    by_minute: dict[int, list[float]] = {}
    for one in sorted(ticks, key=lambda one: one.at_s):
        assert one.value is not None
        by_minute.setdefault(int((began_at + one.at_s) // MINUTE_S) * MINUTE_S, []).append(one.value)
    return [
        Bar(minute, values[0], max(values), min(values), values[-1], len(values), sum(values))
        for minute, values in sorted(by_minute.items())
    ]


def _subsets(ticks: list[Said]) -> Iterator[tuple[Said, ...]]:
    """Give every subset, the whole and the empty one first: mostly it is one of these."""
    sizes = [len(ticks), *range(len(ticks))]
    return chain.from_iterable(combinations(ticks, size) for size in sizes)
