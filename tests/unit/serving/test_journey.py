"""What became of items that were shown, by segment and source, and what the last lists were like."""

import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.popularity.ranked_item import RankedItem
from streamrec.domain.status.tally import HOUR_S
from streamrec.serving.exposures.counting import Exposures
from streamrec.serving.exposures.journey import JourneyAnswer, JourneyReader, JourneyRow
from streamrec.serving.exposures.names import OTHER_SEGMENT
from streamrec.serving.exposures.recent_lists import MAX_LISTS, K, ListTraits, Popularity, RecentLists
from streamrec.serving.guard import Guard
from streamrec.telemetry import NullMetrics
from tests.unit.serving.test_exposures import WEIGHTS, AwayOnce, Shown


class World:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.cache = MemoryCache(clock=self.clock)
        self.counting = self.server(self.cache)

    def clock(self) -> float:
        return self.now

    def server(self, cache: MemoryCache | AwayOnce) -> Exposures:
        return Exposures(cache, NullMetrics(), self.clock, purchase_types={"purchase"})

    def take(self, user_id: str, item_id: str, type_: str) -> None:
        self.counting.note_events([Interaction(user_id, item_id, self.now, type_)], WEIGHTS)

    async def read(self) -> JourneyAnswer:
        await self.counting.hand_over()
        guard = Guard("cache", 5.0, NullMetrics())
        return await JourneyReader(self.counting.lists, self.cache, guard, self.clock).read()


A, B, C = Shown("a", "gmf", ("Drama", "War")), Shown("b", "popular", ("Drama",)), Shown("c", "gmf")


async def test_each_step_counts_once_where_the_item_was_shown_last() -> None:
    world = World()
    world.counting.note_list("u", [A, B], "cold")
    world.counting.note_list("u", [A], "heavy")
    world.counting.note_list(None, [A, B, C])
    world.counting.note_list("v", [C])
    for _ in range(2):
        world.take("u", "a", "click")
        world.take("u", "a", "purchase")
    world.take("u", "b", "purchase")  # a purchase is a choice as well
    world.take("u", "c", "purchase")  # never shown to u
    world.take("v", "c", "impression")
    answer = await world.read()
    assert sorted(answer.journey, key=str) == sorted(
        [
            JourneyRow("cold", "gmf", 1, 0, 0),
            JourneyRow("heavy", "gmf", 1, 1, 1),
            JourneyRow("other", "gmf", 1, 0, 0),
            JourneyRow("cold", "popular", 1, 1, 1),
        ],
        key=str,
    )
    assert OTHER_SEGMENT == "other"
    assert all(row.shown >= row.chosen >= row.bought for row in answer.journey)


async def test_what_is_shown_again_may_be_chosen_again_and_nothing_after_an_hour() -> None:
    world = World()
    for _ in range(2):
        world.counting.note_list("u", [A], "light")
        world.take("u", "a", "click")
    world.counting.note_list("u", [B], "light")
    world.now += 3601
    world.take("u", "b", "click")
    answer = await world.read()
    assert answer.journey == [
        JourneyRow("light", "gmf", 2, 2, 0),
        JourneyRow("light", "popular", 1, 0, 0),
    ]
    world.now += 24 * HOUR_S
    assert (await world.read()).journey == []


async def test_servers_add_up_and_what_the_cache_did_not_take_is_handed_over_later() -> None:
    world = World()
    other = world.server(AwayOnce(world.cache))
    for server in (world.counting, other):
        server.note_list("u", [A], "cold")
    await other.hand_over()
    assert (await world.read()).journey == [JourneyRow("cold", "gmf", 1, 0, 0)]
    await other.hand_over()
    assert (await world.read()).journey == [JourneyRow("cold", "gmf", 2, 0, 0)]


async def test_an_item_that_is_called_as_a_source_is_no_source() -> None:
    world = World()
    world.counting.note_list("u", [Shown("gmf", "popular")], "cold")
    assert (await world.read()).journey == [JourneyRow("cold", "popular", 1, 0, 0)]


def test_traits_are_those_of_a_plain_count() -> None:
    lists = RecentLists(lambda: 5.0)
    lists.note([A, B])
    lists.note([A, C])
    lists.note([])
    found = lists.traits(6, Popularity({"a": 8.0, "b": 2.0}, 1.0, 8.0))
    # Main categories: Drama twice of two; Drama of the one that has any.
    assert (found.n_lists, found.since, found.coverage, found.diversity) == (2, 5.0, 0.5, 0.75)
    assert (found.popularity_bias, found.novelty) == (19 / 4, 5 / 4)


def test_only_the_last_lists_and_their_first_items_count() -> None:
    lists = RecentLists(lambda: 5.0)
    for number in range(MAX_LISTS + 1):
        lists.note([Shown(f"{number}-{position}") for position in range(K + 1)])
    found = lists.traits(MAX_LISTS * K * 2, None)
    assert (found.n_lists, found.coverage) == (MAX_LISTS, 0.5)
    assert (found.diversity, found.popularity_bias, found.novelty) == (None, None, None)
    assert lists.traits(3, None).coverage == 1.0, "a catalogue that has shrunk"


async def test_popularity_is_that_of_the_ranking_of_all_time() -> None:
    world = World()
    world.counting.note_list(None, [A, C])
    assert (await world.read()).lists == ListTraits(1, world.now, None, 1.0, None, None)
    world.cache.publish_popular({"all": [RankedItem("a", 8.0)]})
    world.cache.publish_counters({"n_users": 16.0, "n_items": 4.0})
    lists = (await world.read()).lists
    assert (lists.coverage, lists.popularity_bias) == (0.5, 4.0)
    assert lists.novelty == pytest.approx((1 + 4) / 2)
