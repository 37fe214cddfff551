"""Copies of rankings: read once for all who wait, renewed beside them."""

import asyncio
from pathlib import Path

import pytest

from streamrec.adapters.sqlite.cache import SqliteCache
from streamrec.adapters.sqlite.cache_publisher import SqliteCachePublisher
from streamrec.errors import Unavailable
from streamrec.ports import RankedItem
from streamrec.serving.sources.near_rankings import RENEWED_AFTER_S, TOO_OLD_S, NearRankings
from tests.builders import SteppingClock


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
    asked = [asyncio.create_task(rankings.popular("r", 10)) for _ in range(5)]
    await asyncio.sleep(0)
    asked[0].cancel()
    reader.gate.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [len(answer) for answer in answers[1:] if isinstance(answer, list)] == [1] * 4
    clock.now += RENEWED_AFTER_S
    assert len(await rankings.popular("r", 10)) == 1  # at once; the next one is on its way
    await rankings.aclose()
    assert len(await rankings.popular("r", 10)) == 2
    clock.now += TOO_OLD_S
    assert len(await rankings.popular("r", 10)) == 3
    assert reader.n_readings == 3


async def test_a_ranking_that_can_not_be_read_is_told_once_the_copy_is_too_old() -> None:
    reader, clock = Reader(), SteppingClock()
    rankings = NearRankings(reader, clock)
    await rankings.popular("r", 10)
    reader.is_down = True
    clock.now += RENEWED_AFTER_S
    assert len(await rankings.popular("r", 10)) == 1
    await rankings.aclose()
    clock.now += RENEWED_AFTER_S
    with pytest.raises(Unavailable):
        await rankings.popular("r", 10)


@pytest.mark.parametrize(("n_ranked", "read"), [(1000, [1001]), (1500, [1001, 1200, 3000])])
async def test_a_longer_head_than_the_copy_is_read_where_there_is_one(n_ranked: int, read: list[int]) -> None:
    limits: list[int] = []

    async def read_head(_name: str, limit: int) -> list[RankedItem]:
        limits.append(limit)
        return [RankedItem(str(number), 1.0) for number in range(min(limit, n_ranked))]

    rankings = NearRankings(read_head, SteppingClock())
    for limit in (5, 1200, 3000, 9000):
        assert len(await rankings.popular("r", limit)) == min(limit, n_ranked)
    assert limits == read
    await rankings.aclose()


async def test_a_server_over_a_file_keeps_copies_too(tmp_path: Path) -> None:
    publisher, server = SqliteCachePublisher(tmp_path / "c.db"), SqliteCache(tmp_path / "c.db")
    old, new = [RankedItem("a", 2.0), RankedItem("b", 1.0)], [RankedItem("b", 3.0)]
    publisher.publish_popular({"all": old})
    assert await server.popular("all", 1) == old[:1]
    publisher.publish_popular({"all": new})
    assert await server.popular("all", 9) == old
    publisher.close()
    await server.aclose()
