"""A stream into which items come late, with metadata; and what became of them."""

import random
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.exploration import ExplorationBy, n_new_slots, with_new_items
from streamrec.domain.items.item import Item
from streamrec.domain.popularity.ranked_item import RankedItem

K = 10

MILESTONES = (1, 5, 20)
"""Exposures that are waited for."""


N_DRAWS = 20
"""Of the new item at a place, where one of them is what the user chose: one draw tells little."""


class Way(NamedTuple):
    """A way to explore: the share of the places, and what chooses the items."""

    share: float
    by: ExplorationBy


class ServerPort(Protocol):
    """Server that is measured."""

    def arrive(self, item: Item) -> None:
        """Take an item's metadata."""

    def ranked(self, user_id: str, chosen: set[str], at: float) -> list[str]:
        """Return the candidates for a user, best first, without what the user has chosen."""

    def new_items(self, by: ExplorationBy) -> list[RankedItem]:
        """Return the new items, those first that should be shown most."""

    def learn(self, event: Interaction) -> None:
        """Learn an event."""


class Stream(NamedTuple):
    """Stream of events and of arriving items.

    Attributes
    ----------
    events
        N, by time; none of a late item before it arrives.
    early
        Items whose metadata is there from the start.
    arrivals
        Place of an event -> the late items that arrive just before it.
    start
        Place of the first event that is predicted.
    """

    events: Sequence[Interaction]
    early: Sequence[Item]
    arrivals: Mapping[int, Sequence[Item]]
    start: int


def with_late_items(
    events: Sequence[Interaction], catalog: Sequence[Item], share: float, rng: random.Random
) -> Stream:
    """Let a share of the items arrive between 30 % and 80 % of the stream; what came before is left out."""
    late = rng.sample(catalog, round(share * len(catalog)))
    arrival_of = {item.item_id: rng.uniform(0.3, 0.8) * len(events) for item in late}
    kept: list[Interaction] = []
    arrivals: defaultdict[int, list[Item]] = defaultdict(list)
    waiting = sorted(late, key=lambda item: arrival_of[item.item_id], reverse=True)
    for index, event in enumerate(events):
        while waiting and arrival_of[waiting[-1].item_id] <= index:
            arrivals[len(kept)].append(waiting.pop())
        if index >= arrival_of.get(event.item_id, 0.0):
            kept.append(event)
    early = [item for item in catalog if item.item_id not in arrival_of]
    return Stream(kept, early, arrivals, start=round(0.2 * len(kept)))


@dataclass
class Outcome:
    """Result of lists with one way of exploration: hits, and exposures of late items.

    Attributes
    ----------
    n_explored
        Places given to new items.
    n_right
        Questions at which one place, given to a new item, would have held the answer; in expectation.
    exposures
        Late item -> how many lists showed it.
    waits
        Milestone -> for each late item that reached it, (events, seconds) from its arrival.
    """

    n_questions: int = 0
    n_hits: int = 0
    n_late_questions: int = 0
    n_late_hits: int = 0
    n_explored: int = 0
    n_right: float = 0.0
    exposures: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    waits: dict[int, list[tuple[int, float]]] = field(default_factory=lambda: {n: [] for n in MILESTONES})

    def note(self, shown: Sequence[str], plain: Sequence[str], event: Interaction, *, is_late: bool) -> None:
        """Note a list, beside the one without exploration, and what the user chose."""
        is_hit = event.item_id in shown
        self.n_questions += 1
        self.n_hits += is_hit
        self.n_late_questions += is_late
        self.n_late_hits += is_late and is_hit
        self.n_explored += len(set(shown) - set(plain))


def replay(
    server: ServerPort, stream: Stream, ways: Sequence[Way], on_progress: Callable[[int], None]
) -> dict[Way, Outcome]:
    """Predict and then learn the stream once; return what lists of each way would have come to.

    What is shown changes nothing of what users do: the stream is a record. So one replay serves all ways,
    and what exploration teaches is not in it.
    """
    outcomes = {way: Outcome() for way in ways}
    chances = {way: random.Random(number) for number, way in enumerate(ways)}
    arrived: dict[str, tuple[int, float]] = {}
    chosen: defaultdict[str, set[str]] = defaultdict(set)
    for item in stream.early:
        server.arrive(item)
    for index, event in enumerate(stream.events):
        for item in stream.arrivals.get(index, ()):
            server.arrive(item)
            arrived[item.item_id] = (index, event.timestamp)
        own = chosen[event.user_id]
        if index >= stream.start and own and event.item_id not in own:
            ranked = server.ranked(event.user_id, own, event.timestamp)
            new = {by: _unseen(server.new_items(by), own) for by in dict.fromkeys(way.by for way in ways)}
            for way, outcome in outcomes.items():
                chance = chances[way]
                shown = with_new_items(
                    ranked, new[way.by], n_slots=n_new_slots(way.share, K, chance), k=K, rng=chance, by=way.by
                )
                outcome.note(shown, ranked[:K], event, is_late=event.item_id in arrived)
                outcome.n_right += way.share and _share_right(event.item_id, ranked, new[way.by], way, chance)
                _note_exposures(outcome, shown, arrived, (index, event.timestamp))
        own.add(event.item_id)
        server.learn(event)
        on_progress(1)
    return outcomes


def _unseen(new: Sequence[RankedItem], own: Collection[str]) -> list[RankedItem]:
    return [item for item in new if item.item_id not in own]


def _share_right(
    item_id: str, ranked: Sequence[str], new: Sequence[RankedItem], way: Way, rng: random.Random
) -> float:
    """Return how often one place for a new item holds this one, which is nowhere else in the list."""
    if item_id in ranked[:K] or all(item_id != item.item_id for item in new):
        return 0.0
    lists = (with_new_items(ranked, new, n_slots=1, k=K, rng=rng, by=way.by) for _ in range(N_DRAWS))
    return sum(item_id in shown for shown in lists) / N_DRAWS


def _note_exposures(
    outcome: Outcome, shown: Sequence[str], arrived: Mapping[str, tuple[int, float]], now: tuple[int, float]
) -> None:
    for item_id in shown:
        if item_id in arrived:
            outcome.exposures[item_id] += 1
            n_exposures = outcome.exposures[item_id]
            if n_exposures in MILESTONES:
                since = arrived[item_id]
                outcome.waits[n_exposures].append((now[0] - since[0], now[1] - since[1]))
