"""Copies of rankings: read once for all who wait, renewed beside them."""

import asyncio

import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.domain.popularity.ranked_item import Ranking
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.sources.request_context import RequestContext
from streamrec.errors import Unavailable
from streamrec.ports import RankedItem
from streamrec.serving.guard import Begun, Guard
from streamrec.serving.sources.near_rankings import RENEWED_AFTER_S, TOO_OLD_S, NearRankings
from streamrec.serving.sources.reading_rankings import RankingReader
from streamrec.telemetry import NullMetrics
from tests.builders import SteppingClock


async def popular(rankings: NearRankings, name: str, limit: int) -> Ranking:
    at_hand = rankings.at_hand(name, limit)
    return await rankings.read(name, limit) if at_hand is None else at_hand


class Reader:
    """A ranking of as many items as there were readings."""

    def __init__(self) -> None:
        self.n_readings = 0
        self.is_down = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, name: str, limit: int) -> list[RankedItem]:
        await self.gate.wait()
        if self.is_down:
            raise Unavailable("down")
        self.n_readings += 1
        return [RankedItem(f"{name}{number}", 1.0) for number in range(self.n_readings)][:limit]


async def test_a_ranking_is_read_once_for_all_who_wait_and_renewed_beside_them() -> None:
    reader, clock = Reader(), SteppingClock()
    rankings = NearRankings(reader, clock)
    reader.gate.clear()
    asked = [asyncio.create_task(popular(rankings, "r", 10)) for _ in range(5)]
    await asyncio.sleep(0)
    asked[0].cancel()
    reader.gate.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [len(answer) for answer in answers[1:] if isinstance(answer, Ranking)] == [1] * 4
    clock.now += RENEWED_AFTER_S
    assert len(await popular(rankings, "r", 10)) == 1  # at once; the next one is on its way
    await rankings.aclose()
    assert len(await popular(rankings, "r", 10)) == 2
    clock.now += TOO_OLD_S
    assert len(await popular(rankings, "r", 10)) == 3
    assert reader.n_readings == 3


async def test_a_ranking_that_can_not_be_read_is_told_once_the_copy_is_too_old() -> None:
    reader, clock = Reader(), SteppingClock()
    rankings = NearRankings(reader, clock)
    await popular(rankings, "r", 10)
    reader.is_down = True
    clock.now += RENEWED_AFTER_S
    assert len(await popular(rankings, "r", 10)) == 1
    await rankings.aclose()
    clock.now += RENEWED_AFTER_S
    with pytest.raises(Unavailable):
        await popular(rankings, "r", 10)


@pytest.mark.parametrize(("n_ranked", "read"), [(1000, [1001]), (1500, [1001, 1200, 3000])])
async def test_a_longer_head_than_the_copy_is_read_where_there_is_one(n_ranked: int, read: list[int]) -> None:
    limits: list[int] = []

    async def read_head(_name: str, limit: int) -> list[RankedItem]:
        limits.append(limit)
        return [RankedItem(str(number), 1.0) for number in range(min(limit, n_ranked))]

    rankings = NearRankings(read_head, SteppingClock())
    for limit in (5, 1200, 3000, 9000):
        assert len(await popular(rankings, "r", limit)) >= min(limit, n_ranked)
    assert limits == read
    await rankings.aclose()


async def test_a_window_is_answered_from_copies_that_the_cache_need_not_be_asked_for() -> None:
    cache, clock = MemoryCache(), SteppingClock()
    cache.publish_popular({"all": [RankedItem("a", 2.0), RankedItem("b", 1.0)]})
    reader = RankingReader(cache, Guard("cache", 60.0, NullMetrics()), TOO_OLD_S, clock)
    context = RequestContext(banned=frozenset("a"))
    items = ItemNumbers()
    assert reader.at_hand(["all"], context, 1, items) is None
    read = await reader.read(["all"], context, 1, items)
    assert items.ids_at(read.value["all"].numbers.tolist()) == ["a", "b"]
    assert read.value["all"].scores.tolist() == [2.0, 1.0]
    cache.publish_popular({"all": [RankedItem("c", 1.0)]})
    at_hand = reader.at_hand(["all"], context, 1, items)
    assert at_hand is not None
    assert at_hand["all"] is read.value["all"]
    assert reader.at_hand(["all", "day"], context, 1, items) is None
    # Another numbering is another's: nothing of this one is left in what it gets.
    others = ItemNumbers()
    others.of(["x", "y", "b"])
    renumbered = reader.at_hand(["all"], context, 1, others)
    assert renumbered is not None
    assert others.ids_at(renumbered["all"].numbers.tolist()) == ["a", "b"]
    clock.now += TOO_OLD_S
    assert reader.at_hand(["all"], context, 1, items) is None
    assert (await reader.rankings(["all"], 9))["all"].value.items == [RankedItem("c", 1.0)]


async def test_names_of_rankings_that_are_not_there_drive_out_no_copy() -> None:
    async def read(name: str, _limit: int) -> list[RankedItem]:
        return [RankedItem("a", 1.0)] if name == "there" else []

    rankings = NearRankings(read, SteppingClock())
    for name in ("there", *map(str, range(2000))):
        assert len(await rankings.read(name, 10)) == (name == "there")
    there = rankings.at_hand("there", 10)
    assert there is not None
    assert there.items == [RankedItem("a", 1.0)]
    assert rankings.at_hand("0", 10) is None
    absent = rankings.at_hand("1999", 10)
    assert absent is not None
    assert not absent.items


async def test_that_a_ranking_is_not_there_is_remembered_as_long_as_one_that_is() -> None:
    reader, clock, read = Reader(), SteppingClock(), list[str]()
    is_there = False

    async def read_if_there(name: str, limit: int) -> list[RankedItem]:
        read.append(name)
        return await reader(name, limit) if is_there else []

    rankings = NearRankings(read_if_there, clock)
    for _ in range(3):
        assert len(await popular(rankings, "new", 10)) == 0
    assert read == ["new"]
    is_there = True
    clock.now += RENEWED_AFTER_S
    assert len(await popular(rankings, "new", 10)) == 0  # at once; the next one is on its way
    await rankings.aclose()
    assert len(await popular(rankings, "new", 10)) == 1
    is_there = False
    clock.now += TOO_OLD_S
    assert len(await popular(rankings, "new", 10)) == 0
    assert len(rankings.last("new")) == 0


async def test_what_was_at_hand_for_the_last_request_is_for_one_like_it_and_no_other() -> None:
    cache, clock = MemoryCache(), SteppingClock()
    cache.publish_popular({"all": [RankedItem("a", 2.0)], "all:war": [RankedItem("w", 1.0)]})
    reader = RankingReader(cache, Guard("cache", 60.0, NullMetrics()), TOO_OLD_S, clock)
    items, anybody, warrior = ItemNumbers(), RequestContext(), RequestContext(categories=frozenset(["war"]))
    for context in (anybody, warrior):
        await reader.read(["all"], context, 1, items)
    first = reader.at_hand(["all"], anybody, 1, items)
    assert first is not None
    assert reader.at_hand(["all"], anybody, 1, items) is first
    of_war = reader.at_hand(["all"], warrior, 1, items)
    assert of_war is not None
    assert items.ids_at(of_war["all"].numbers.tolist()) == ["w"]
    assert reader.at_hand(["all"], anybody, 5000, items) is not None  # the whole ranking was read
    cache.publish_popular({"all": [RankedItem("b", 2.0)]})
    clock.now += RENEWED_AFTER_S
    assert reader.at_hand(["all"], anybody, 1, items) == first  # once more; the next one is on its way
    await reader.aclose()
    renewed = reader.at_hand(["all"], anybody, 1, items)
    assert renewed is not None
    assert items.ids_at(renewed["all"].numbers.tolist()) == ["b"]
    clock.now += TOO_OLD_S
    assert reader.at_hand(["all"], anybody, 1, items) is None


async def test_rankings_at_hand_are_not_waited_for() -> None:
    cache = MemoryCache()
    cache.publish_popular({"all": [RankedItem("a", 2.0)]})
    reader = RankingReader(cache, Guard("cache", 60.0, NullMetrics()), TOO_OLD_S, SteppingClock())
    names = ["all", "never published"]
    assert not Begun(reader.rankings(names, 9)).is_done
    first = await reader.rankings(names, 9)
    again = Begun(reader.rankings(names, 9))
    assert again.is_done
    assert {name: one.value.items for name, one in again.value.items()} == {
        "all": first["all"].value.items,
        names[1]: [],
    }
