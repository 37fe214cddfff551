import random
from collections.abc import Collection

import pytest

from benchmarks.quality.exploration import MARKERS, PAGE, WAYS, figures_of, table_rows
from benchmarks.quality.exploration_replay import K, Stream, Way, replay, with_late_items
from benchmarks.quality.exploration_server import Server
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.exploration import ExplorationBy
from streamrec.domain.items.item import Item
from streamrec.domain.popularity.ranked_item import RankedItem

CATALOG = [Item(f"i{n}", categories=(("war", "comedy")[n % 2],)) for n in range(60)]


class FixedServer:
    """Ranks the same items for everybody, and calls new what arrived after the others."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.n_learned = 0

    def arrive(self, item: Item) -> None:
        self.arrived.append(item.item_id)

    def ranked(self, user_id: str, chosen: Collection[str], at: float) -> list[str]:
        return [f"old{n}" for n in range(K)]

    def new_items(self, by: ExplorationBy) -> list[RankedItem]:
        return [RankedItem(item_id, 1.0) for item_id in self.arrived]

    def learn(self, event: Interaction) -> None:
        self.n_learned += 1


def chosen_at_random(n: int, seed: int = 0) -> list[Interaction]:
    rng = random.Random(seed)
    return [Interaction(f"u{rng.randrange(30)}", f"i{rng.randrange(60)}", 60.0 * index) for index in range(n)]


def test_late_items_are_chosen_by_nobody_before_they_arrive() -> None:
    events = chosen_at_random(2000)
    stream = with_late_items(events, CATALOG, 1 / 3, random.Random(1))
    arrived = {item.item_id: index for index, items in stream.arrivals.items() for item in items}
    assert len(arrived) == 20
    assert {item.item_id for item in stream.early} == {item.item_id for item in CATALOG} - set(arrived)
    for index, event in enumerate(stream.events):
        assert index >= arrived.get(event.item_id, 0)
    n_dropped = len(events) - len(stream.events)
    assert 0.1 * len(events) < n_dropped < 0.3 * len(events)


def test_exposures_and_waits_are_counted_from_the_arrival() -> None:
    events = [Interaction("u", f"i{n}", 60.0 * n) for n in range(30)]
    stream = Stream(events, (), {10: [Item("late")]}, start=5)
    server = FixedServer()
    way = Way(0.1, "chance")
    outcome = replay(server, stream, [way], lambda n: None)[way]
    # Places wanted are 10 * .1, so one in each list from the tenth event on.
    assert (outcome.n_questions, outcome.n_explored) == (25, 20)
    assert outcome.exposures == {"late": 20}
    assert outcome.waits == {1: [(0, 0.0)], 5: [(4, 240.0)], 20: [(19, 19 * 60.0)]}
    assert (server.n_learned, outcome.n_hits) == (30, 0)


def test_a_hit_on_a_late_item_is_a_click() -> None:
    events = [Interaction("u", item_id, float(n)) for n, item_id in enumerate(["a", "old0", "late"])]
    stream = Stream(events, (), {1: [Item("late")]}, start=0)
    ways = [Way(1.0, "chance"), Way(1.0, "uncertainty"), Way(0.0, "chance")]
    outcomes = replay(FixedServer(), stream, ways, lambda n: None)
    for outcome in (outcomes[way] for way in ways[:2]):
        assert (outcome.n_questions, outcome.n_hits) == (2, 2)
        assert (outcome.n_late_questions, outcome.n_late_hits) == (1, 1)
        assert outcome.n_right == 1.0  # "late" is all that a place can be given to
    assert (outcomes[ways[2]].n_late_hits, outcomes[ways[2]].n_right) == (0, 0.0)
    figures = figures_of(outcome, n_late=1)
    assert figures["to_exposure"]["1"] == {"items": 1, "median_events": 0, "median_hours": 0.0}
    assert figures["to_exposure"]["5"]["median_events"] is None


@pytest.mark.parametrize("starts_silently", [False, True])
def test_the_server_shows_what_arrived_and_never_what_was_chosen(starts_silently: bool) -> None:
    server = Server(starts_silently=starts_silently)
    for item in CATALOG:
        server.arrive(item)
    own: dict[str, set[str]] = {}
    for event in chosen_at_random(120):
        if event.user_id in own and event.item_id not in own[event.user_id]:
            ranked = server.ranked(event.user_id, own[event.user_id], event.timestamp)
            assert not own[event.user_id] & set(ranked)
        own.setdefault(event.user_id, set()).add(event.item_id)
        server.learn(event)
    assert len(ranked) > 10
    server.arrive(Item("late", categories=("war",)))
    for by in ("chance", "uncertainty"):
        assert ("late" in {item.item_id for item in server.new_items(by)}) == starts_silently


def test_the_table_has_a_row_for_each_kind_of_list_and_its_markers_on_the_page() -> None:
    stream = Stream([Interaction("u", f"i{n}", 60.0 * n) for n in range(30)], (), {10: [Item("late")]}, 5)
    outcomes = replay(FixedServer(), stream, WAYS, lambda n: None)
    lists = [
        {**way._asdict(), "starts_silently": way.share > 0, **figures_of(outcome, 1)}
        for way, outcome in outcomes.items()
    ]
    rows = table_rows({"n_late_items": 1, "lists": lists})
    assert len({row.count("|") for row in rows[2:]}) == 1
    assert len(rows) == 4 + len(WAYS)
    assert all(PAGE.read_text().count(marker) == 1 for marker in MARKERS)
