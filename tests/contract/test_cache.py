"""Contract of every hot cache, for the trainer and for the servers."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.redis.cache import RedisCache
from streamrec.adapters.redis.cache_publisher import RedisCachePublisher
from streamrec.adapters.redis.connection import RedisAddress, address_of
from streamrec.adapters.redis.near_cache import RedisNearCache
from streamrec.adapters.sqlite.cache import SqliteCache
from streamrec.adapters.sqlite.cache_publisher import SqliteCachePublisher
from streamrec.domain.bars.bar import Bar, BarsSpan, BarsUpdate, HeldBars, pack
from streamrec.domain.bars.batch_minutes import TALLY
from streamrec.domain.generations.challenger import ChallengerStatus
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.ranking.published_blend import TrainerRules
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.sources.table import COLUMNS, first_blend
from streamrec.domain.status.point import RINGS, StatusPoint
from streamrec.domain.status.report import RejectedReason, TrainerReport
from streamrec.domain.users.context import ContextRules
from streamrec.domain.users.steps import KEPT_S, MAX_STEPS, MAX_USERS, REFUSED_S, Step
from streamrec.errors import LeaseLost
from streamrec.ports import CachePublisher, HotCache, Lease, Neighbours, RankedItem
from tests.builders import near, numbered, proposal

TTL_S = 60.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Sides(NamedTuple):
    publisher: CachePublisher
    server: HotCache
    clock: Clock


async def near_cache(address: RedisAddress, clock: Clock) -> RedisNearCache:
    """Return one that keeps copies already."""
    server = RedisNearCache(address, item_ttl_s=TTL_S, copies_age_s=0.0, clock=clock)
    while not server.keeps_copies():
        await asyncio.sleep(0.01)
    return server


@pytest.fixture(params=["memory", "sqlite", "redis", "redis with copies"])
async def cache(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sides]:
    clock = Clock()
    if request.param == "memory":
        memory = MemoryCache(item_ttl_s=TTL_S, clock=clock)
        sides = Sides(memory, memory, clock)
    elif request.param == "sqlite":
        path = tmp_path / "cache.db"
        server = SqliteCache(path, item_ttl_s=TTL_S, copies_age_s=0.0, clock=clock)
        sides = Sides(SqliteCachePublisher(path), server, clock)
    else:
        address = address_of(request.getfixturevalue("redis_url"))
        redis: HotCache
        if request.param == "redis":
            redis = RedisCache(address, item_ttl_s=TTL_S, clock=clock)
        else:
            redis = await near_cache(address, clock)
        sides = Sides(RedisCachePublisher(address), redis, clock)
    yield sides
    sides.publisher.close()
    await sides.server.aclose()


async def test_a_ranking_is_read_from_its_head(cache: Sides) -> None:
    ranking = [RankedItem("a/b", 3.5), RankedItem("\U0001f3ac", 2.0), RankedItem("c", -1.0)]
    cache.publisher.publish_popular({"all": ranking, "all:drama": ranking[1:]})
    assert await cache.server.popular("all", 2) == ranking[:2]
    assert await cache.server.popular("all", 100) == ranking
    assert await cache.server.popular("all:drama", 1) == [RankedItem("\U0001f3ac", 2.0)]
    assert await cache.server.popular("none", 10) == []


async def test_a_ranking_is_replaced_whole_and_others_stay(cache: Sides) -> None:
    cache.publisher.publish_popular({"all": [RankedItem("a", 1.0)], "day": [RankedItem("b", 1.0)]})
    cache.publisher.publish_popular({"all": [RankedItem("c", 2.0)]})
    assert await cache.server.popular("all", 10) == [RankedItem("c", 2.0)]
    assert await cache.server.popular("day", 10) == [RankedItem("b", 1.0)]
    cache.publisher.publish_popular({"all": []})
    assert await cache.server.popular("all", 10) == []


ODD_NAMES = [f"all:{name}" for name in ("", "all:day", "a:b", "a/b%2F", "a\nb", "*[x]?\\", "\U0001f3ac", " ")]


async def test_rankings_of_other_names_are_removed(cache: Sides) -> None:
    ranking = [RankedItem("a", 1.0)]
    names = [*ODD_NAMES, "all", "day", *(f"day:{number}" for number in range(1200))]
    for kept in (ODD_NAMES, ["all", "day", "never there"], []):
        cache.publisher.publish_popular(dict.fromkeys(names, ranking))
        cache.publisher.publish_neighbours({"a": near(("b", 0.5, 1.0, 0.0))})
        cache.publisher.publish_counters({"n": 1.0})
        cache.publisher.drop_popular_but(kept)
        left = [name for name in names if await cache.server.popular(name, 1)]
        assert left == [name for name in names if name in kept]
        assert set(await cache.server.neighbours(["a"])) == {"a"}
        assert await cache.server.counters() == {"n": 1.0}


async def test_neighbours_of_other_items_are_removed(cache: Sides) -> None:
    one = near(("b", 0.5, 1.0, 0.0))
    odd = ["a:b", "a/b%2F", "a\nb", "*", "[a]", "\U0001f3ac", "popular:all", " "]
    ids = [*odd, *(f"i{number}" for number in range(1200))]
    for kept in (odd, ["i7", "never there"], []):
        cache.publisher.publish_neighbours(dict.fromkeys(ids, one))
        cache.publisher.publish_popular({"all": [RankedItem("a", 1.0)]})
        cache.publisher.drop_neighbours_but(kept)
        assert list(await cache.server.neighbours(ids)) == [id_ for id_ in ids if id_ in kept]
        assert await cache.server.popular("all", 1) == [RankedItem("a", 1.0)]


async def test_neighbours_are_replaced_item_by_item(cache: Sides) -> None:
    one, other = ("b/c", 0.75, 12.5, 0.5), ("\U0001f3ac", 1e-6, 0.1 + 0.2, 0.0)
    both, first, second = near(one, other), near(one), near(other)
    cache.publisher.publish_neighbours({"a": both, "a b%2F": first})
    assert await cache.server.neighbours(["a", "unknown", "a b%2F", "a"]) == {"a": both, "a b%2F": first}
    cache.publisher.publish_neighbours({"a": second, "c": both})
    found = await cache.server.neighbours(["a b%2F", "a", "c"])
    assert found == {"a b%2F": first, "a": second, "c": both}
    assert await cache.server.neighbours([]) == {}


async def test_an_item_without_neighbours_loses_those_it_had(cache: Sides) -> None:
    one = near(("b", 0.5, 1.0, 0.0))
    cache.publisher.publish_neighbours({"a": one, "b": one})
    cache.publisher.publish_neighbours({"a": Neighbours(), "never": Neighbours()})
    cache.publisher.publish_neighbours({})
    assert await cache.server.neighbours(["a", "b", "never"]) == {"b": one}


async def test_counts_by_day_come_with_the_neighbours_and_without_any(cache: Sides) -> None:
    both = msgspec.structs.replace(
        near(("b", 0.5, 1.0, 0.0)), same_day_ids=["\U0001f3ac", "b"], same_day_counts=[3, 1]
    )
    by_day_alone = Neighbours(same_day_ids=["a"], same_day_counts=[2**40])
    cache.publisher.publish_neighbours({"a": both, "b": by_day_alone})
    assert await cache.server.neighbours(["a", "b"]) == {"a": both, "b": by_day_alone}
    cache.publisher.publish_neighbours({"b": Neighbours()})
    assert await cache.server.neighbours(["a", "b"]) == {"a": both}


async def test_what_an_item_adds_to_vectors_comes_with_its_neighbours(cache: Sides) -> None:
    with_past = msgspec.structs.replace(
        near(("b", 0.5, 1.0, 0.0)), generation="g\U0001f3ac", past=bytes(range(256))
    )
    cache.publisher.publish_neighbours({"a": with_past, "none": Neighbours(generation="g", past=b"1234")})
    assert await cache.server.neighbours(["a", "none"]) == {"a": with_past}


async def test_the_trainers_rules_come_with_the_blend(cache: Sides) -> None:
    rules = TrainerRules(ContextRules(7, 0.5, 0.25), {"view": 0.5, "rating<=2": -1.0}, 0.0)
    blend = msgspec.structs.replace(first_blend().published(), rules=rules)
    cache.publisher.publish_blend(blend)
    assert await cache.server.blend() == blend


async def test_the_blend_is_replaced(cache: Sides) -> None:
    assert await cache.server.blend() is None
    ranker = first_blend()
    cache.publisher.publish_blend(ranker.published())
    ranker.learn(
        Candidates(COLUMNS, {"gmf": proposal([0, 1], [1.0, 0.5], is_logit=True)}, Asker(3), numbered(2)), 1
    )
    cache.publisher.publish_blend(ranker.published())
    assert await cache.server.blend() == ranker.published()


async def test_the_challengers_state_is_replaced_beside_the_champions_blend(cache: Sides) -> None:
    assert await cache.server.challenger() is None
    status = ChallengerStatus("g2", first_blend().published(), has_users=False, published_at=7.5)
    cache.publisher.publish_challenger(status)
    assert await cache.server.challenger() == status
    later = msgspec.structs.replace(status, has_users=True, published_at=8.5)
    cache.publisher.publish_challenger(later)
    assert await cache.server.challenger() == later
    assert await cache.server.blend() is None


async def test_counters_are_replaced_together(cache: Sides) -> None:
    assert await cache.server.counters() == {}
    cache.publisher.publish_counters({"n_events": 3.0, "n_users": 2.0})
    cache.publisher.publish_counters({"n_events": 4.0})
    assert await cache.server.counters() == {"n_events": 4.0}


async def test_metadata_is_cached_until_dropped(cache: Sides) -> None:
    film = Item("i1", "film", "Alien", categories=("sf",), attributes={"year": 1979})
    await cache.server.put_items([film, Item("i2")])
    assert await cache.server.get_items(["i1", "i2", "i3"]) == {"i1": film, "i2": Item("i2")}
    await cache.server.put_items([Item("i2", title="new")])
    await cache.server.drop_items(["i1", "never cached"])
    assert await cache.server.get_items(["i1", "i2"]) == {"i2": Item("i2", title="new")}
    assert await cache.server.get_items([]) == {}


async def test_metadata_expires(cache: Sides) -> None:
    await cache.server.put_items([Item("old")])
    cache.clock.now += TTL_S / 2
    await cache.server.put_items([Item("young")])
    cache.clock.now += TTL_S / 2
    assert await cache.server.get_items(["old", "young"]) == {"young": Item("young")}


async def test_scores_and_ids_stay_what_they_are(cache: Sides) -> None:
    ranking = [
        RankedItem("a b", 1e300),
        RankedItem("%2F", 0.1 + 0.2),
        RankedItem("nul\0byte", 5e-324),
        RankedItem("", 0.0),
    ]
    cache.publisher.publish_popular({"all:odd:name": ranking})
    assert await cache.server.popular("all:odd:name", 10) == ranking
    assert await cache.server.popular("all:odd:name", 0) == []
    cache.publisher.publish_counters({"n": 0.1 + 0.2})
    assert await cache.server.counters() == {"n": 0.1 + 0.2}
    cache.publisher.publish_counters({})
    assert await cache.server.counters() == {}


async def test_nothing_to_cache_and_nothing_to_drop_is_no_error(cache: Sides) -> None:
    await cache.server.put_items([])
    await cache.server.drop_items([])
    cache.publisher.publish_popular({})
    await cache.server.check()
    assert await cache.server.popular("all", 10) == []


WINDOW = 5


def minute(number: int, close: float = 2.5, count: int = 3) -> tuple[bytes, Bar]:
    """Return a minute as it is published, and as it is read."""
    tally = np.array([(number, count, 0, 0, 1.5, 3.5, 0.1 + 0.2, close, 1e300)], TALLY)
    return pack(tally), Bar(number * 60, 1.5, 3.5, 0.1 + 0.2, close, count, 1e300)


def publish_bars(cache: Sides, bars: dict[str, bytes], *forgotten: str, now: float = 600.0) -> None:
    cache.publisher.publish_bars(BarsUpdate(BarsSpan(now, WINDOW), bars, forgotten))


async def test_a_history_is_read_oldest_first_with_the_streams_now(cache: Sides) -> None:
    assert await cache.server.history("a/b") is None
    (packed, bar), (earlier_packed, earlier) = minute(10), minute(9, close=-7.0)
    publish_bars(cache, {"a/b": packed + earlier_packed, "\U0001f3ac": packed}, now=612.5)
    assert await cache.server.history("a/b") == HeldBars(612.5, [earlier, bar])
    assert await cache.server.history("\U0001f3ac") == HeldBars(612.5, [bar])
    assert await cache.server.history("unknown") is None


async def test_a_minute_replaces_itself_and_the_one_that_left_the_window(cache: Sides) -> None:
    publish_bars(cache, {"a": minute(9)[0] + minute(10)[0]})
    publish_bars(cache, {"a": minute(10, count=4)[0] + minute(9 + WINDOW)[0]}, now=900.0)
    held = await cache.server.history("a")
    assert held == HeldBars(900.0, [minute(10, count=4)[1], minute(9 + WINDOW)[1]])


async def test_a_forgotten_history_is_gone_and_may_come_back(cache: Sides) -> None:
    publish_bars(cache, {"a": minute(9)[0], "b": minute(9)[0]})
    publish_bars(cache, {"a": minute(10)[0]}, "a", "b", "never")
    assert await cache.server.history("a") == HeldBars(600.0, [minute(10)[1]])
    assert await cache.server.history("b") is None


async def test_what_a_history_of_another_window_left_is_passed_over(cache: Sides) -> None:
    publish_bars(cache, {"a": minute(9)[0] + minute(10)[0]})
    span = BarsSpan(600.0, WINDOW + 2)
    cache.publisher.publish_bars(BarsUpdate(span, {"a": minute(10, count=9)[0]}, []))
    assert await cache.server.history("a") == HeldBars(600.0, [minute(10, count=9)[1]])
    cache.publisher.publish_bars(BarsUpdate(span, {}, []))
    assert await cache.server.history("b") is None


async def test_a_bar_of_another_version_is_passed_over(cache: Sides) -> None:
    packed, bar = minute(10)
    publish_bars(cache, {"a": bytes([99]) + minute(9)[0][1:] + packed})
    assert await cache.server.history("a") == HeldBars(600.0, [bar])


async def test_several_threads_of_a_new_holder_may_be_the_first_to_write(cache: Sides) -> None:
    if isinstance(cache.publisher, MemoryCache):
        pytest.skip("memory has one writer")
    held = [Lease("trainer", "one", 0, 1e12)]
    cache.publisher.write_under(lambda: held[0])
    begin = threading.Barrier(8)

    def write(number: int) -> None:
        begin.wait(60)
        cache.publisher.publish_neighbours({f"i{number}": near(("b", 0.5, 1.0, 0.0))})

    with ThreadPoolExecutor(8) as threads:
        for token in range(1, 30):
            held[0] = held[0]._replace(token=token)
            for done in [threads.submit(write, number) for number in range(8)]:
                done.result(60)
    assert set(await cache.server.neighbours([f"i{number}" for number in range(9)])) == {
        f"i{number}" for number in range(8)
    }


async def test_a_writer_that_lost_its_lease_writes_nothing(cache: Sides) -> None:
    if isinstance(cache.publisher, MemoryCache):
        pytest.skip("memory has one writer")
    held = [Lease("trainer", "one", 7, 0.0)]
    cache.publisher.write_under(lambda: held[0])
    new = [RankedItem("new", 1.0)]
    cache.publisher.publish_popular({"all": new})
    cache.publisher.publish_neighbours({"a": near(("b", 0.5, 1.0, 0.0))})
    cache.publisher.publish_counters({"n": 7.0})
    held[0] = held[0]._replace(owner="deposed", token=6)
    for write in (
        lambda: cache.publisher.publish_popular({"all": [RankedItem("old", 1.0)]}),
        lambda: cache.publisher.drop_popular_but(["day"]),
        lambda: cache.publisher.publish_neighbours({"a": Neighbours()}),
        lambda: cache.publisher.drop_neighbours_but([]),
        lambda: cache.publisher.publish_counters({"n": 6.0}),
        lambda: cache.publisher.publish_blend(first_blend().published()),
        lambda: publish_bars(cache, {"a": minute(9)[0]}),
    ):
        with pytest.raises(LeaseLost, match="token 7 > 6"):
            write()
    assert await cache.server.popular("all", 9) == new
    assert set(await cache.server.neighbours(["a"])) == {"a"}
    assert await cache.server.counters() == {"n": 7.0}
    assert await cache.server.blend() is None
    assert await cache.server.history("a") is None
    held[0] = Lease("history", "other", 1, 0.0)  # each lease has its own fence
    publish_bars(cache, {"a": minute(9)[0]})
    assert await cache.server.history("a") is not None


def report(**changes: Any) -> TrainerReport:
    rejected = [RejectedReason("not_json", 3, 'it is "<script>"', 12.0)]
    return msgspec.structs.replace(TrainerReport(1000.0, "g1", 10.0, rejected), **changes)


async def test_the_report_is_replaced_and_points_stay_in_their_rings(cache: Sides) -> None:
    assert await cache.server.report() is None
    seconds, minutes = RINGS["10s"], RINGS["1m"]
    first = [StatusPoint(10, 20, {"lag_s": 1.5}), StatusPoint(60, 120, {"recall.served": 0.25})]
    cache.publisher.publish_report(report(), first)
    cache.publisher.publish_report(report(published_at=1001.0), [])
    assert await cache.server.report() == report(published_at=1001.0)
    assert await cache.server.points(seconds, [1, 2, 3]) == first[:1]
    assert await cache.server.points(minutes, range(minutes.n_slots)) == first[1:]
    assert await cache.server.points(minutes, []) == []
    # A point of the next time round takes the slot.
    later = StatusPoint(10, 20 + 3600, {"lag_s": 9.0})
    cache.publisher.publish_report(report(), [later, StatusPoint(10, 30, {})])
    assert await cache.server.points(seconds, [3, 2]) == [StatusPoint(10, 30, {}), later]


async def test_a_report_under_an_older_token_is_refused(cache: Sides) -> None:
    if isinstance(cache.publisher, MemoryCache):
        pytest.skip("memory has one writer")
    cache.publisher.write_under(lambda: Lease("trainer", "new", 2, 1e12))
    cache.publisher.publish_report(report(), [])
    cache.publisher.write_under(lambda: Lease("trainer", "old", 1, 1e12))
    with pytest.raises(LeaseLost):
        cache.publisher.publish_report(report(published_at=2.0), [StatusPoint(10, 20, {})])
    assert await cache.server.report() == report()
    assert await cache.server.points(RINGS["10s"], [2]) == []


async def test_counts_of_items_add_up_by_the_hour_and_are_kept_for_a_day(cache: Sides) -> None:
    odd = "event:a\"b'<c>\n\U0001f3ac"
    assert await cache.server.tallies("a/b", [5, 6]) == {}
    await cache.server.add_tallies(5, {("a/b", "shown"): 2, ("a/b", odd): 1, ("c", "shown"): 7})
    await cache.server.add_tallies(5, {("a/b", "shown"): 3})
    await cache.server.add_tallies(6, {("a/b", "chosen"): 1})
    counts = {(5, "shown"): 5, (5, odd): 1, (6, "chosen"): 1}
    assert await cache.server.tallies("a/b", [5, 6]) == counts
    assert await cache.server.tallies("a/b", [6, 7]) == {(6, "chosen"): 1}
    assert await cache.server.tallies("nobody", [5, 6]) == {}
    await cache.server.add_tallies(7, {})


@pytest.mark.parametrize("cache", ["memory", "sqlite"], indirect=True)
async def test_counts_of_a_day_ago_go_once_more_is_counted(cache: Sides) -> None:
    await cache.server.add_tallies(5, {("a", "shown"): 2})
    await cache.server.add_tallies(29, {("a", "shown"): 1})
    assert await cache.server.tallies("a", range(30)) == {(29, "shown"): 1}


def listed(at: float, *item_ids: str) -> Step:
    return Step(at, item_ids)


async def test_steps_of_a_user_are_read_newest_first_and_kept_once(cache: Sides) -> None:
    odd = "a/b\"c'<d>\n\U0001f3ac"
    assert await cache.server.steps(odd) == []
    chosen = Step(900.25, ("i\0 é",), "type \U0001f3ac", is_choice=True)
    await cache.server.add_steps(
        {odd: [chosen, listed(899.0, "i", "j")], "other": [listed(1.0, "k")], "": []}
    )
    await cache.server.add_steps({odd: [listed(950.5), chosen]})
    assert await cache.server.steps(odd) == [listed(950.5), chosen, listed(899.0, "i", "j")]
    assert await cache.server.steps("other") == [listed(1.0, "k")]
    await cache.server.add_steps({})


async def test_steps_are_bounded_by_user_and_in_time(cache: Sides) -> None:
    await cache.server.add_steps({"u": [listed(at, "i") for at in range(MAX_STEPS + 20)]})
    await cache.server.add_steps({"u": [listed(5.5, "late")]})  # older than all that are kept
    assert [step.at for step in await cache.server.steps("u")] == list(range(MAX_STEPS + 19, 19, -1))
    cache.clock.now = 30.0 + KEPT_S
    assert [step.at for step in await cache.server.steps("u")] == list(range(MAX_STEPS + 19, 30, -1))


async def test_the_users_whose_last_step_is_oldest_go(cache: Sides) -> None:
    await cache.server.add_steps({f"u{n}": [listed(float(n), "i")] for n in range(MAX_USERS)})
    await cache.server.add_steps({"u0": [listed(9000.0, "j")], "new": [listed(9001.0, "i")]})
    kept = [len(await cache.server.steps(user_id)) for user_id in ("u0", "u1", "u2", "new")]
    assert kept == [2, 0, 1, 1]


async def test_of_a_forgotten_user_no_steps_from_before_come_back(cache: Sides) -> None:
    await cache.server.add_steps({"u": [listed(1.0, "i")], "other": [listed(1.0, "i")]})
    await cache.server.forget_steps("u")
    await cache.server.forget_steps("never seen")
    assert await cache.server.steps("u") == []
    await cache.server.add_steps({"u": [listed(2.0, "i")], "other": [listed(2.0, "i")]})
    assert await cache.server.steps("u") == []
    assert len(await cache.server.steps("other")) == 2


@pytest.mark.parametrize("cache", ["memory", "sqlite"], indirect=True)
async def test_a_forgotten_user_who_came_back_has_steps_after_a_while(cache: Sides) -> None:
    await cache.server.forget_steps("u")
    cache.clock.now += REFUSED_S
    await cache.server.add_steps({"u": [listed(1.0, "i")]})
    assert await cache.server.steps("u") == [listed(1.0, "i")]


async def test_steps_and_forgetting_side_by_side_leave_nothing_behind(cache: Sides) -> None:
    adding = [cache.server.add_steps({"u": [listed(float(n), "i")], f"u{n}": []}) for n in range(30)]
    await asyncio.gather(*adding[:15], cache.server.forget_steps("u"), *adding[15:])
    assert await cache.server.steps("u") == []
