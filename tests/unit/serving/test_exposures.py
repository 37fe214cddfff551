"""Counting of exposures, choices of what was shown, and events by type."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.status.tally import HOUR_S
from streamrec.domain.users.steps import Step
from streamrec.errors import Unavailable
from streamrec.serving.exposures import counting
from streamrec.serving.exposures.counting import Exposures
from streamrec.serving.exposures.reading import ExposureReader, ExposuresAnswer
from streamrec.serving.exposures.user_steps import OTHER_TYPES
from streamrec.serving.guard import Guard
from streamrec.telemetry import NullMetrics

WEIGHTS = EventWeights({"impression": 0.0, "dislike": -1.0})


class Shown(NamedTuple):
    item_id: str
    source: str = "gmf"
    categories: tuple[str, ...] = ()


class World:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.cache = MemoryCache(clock=self.clock)
        self.counting = Exposures(self.cache, NullMetrics(), self.clock)
        self.reader = ExposureReader(self.cache, Guard("cache", 5.0, NullMetrics()), self.clock)

    def clock(self) -> float:
        return self.now

    def show(self, user_id: str | None, *item_ids: str) -> None:
        self.counting.note_list(user_id, [Shown(item_id) for item_id in item_ids])

    def take(self, user_id: str, item_id: str, type_: str = "interaction") -> None:
        self.counting.note_events([Interaction(user_id, item_id, self.now, type_)], WEIGHTS)

    async def read(self, item_id: str) -> ExposuresAnswer:
        await self.counting.hand_over()
        return await self.reader.read(item_id)


async def test_a_choice_counts_once_for_all_times_that_it_was_shown_to_the_user() -> None:
    world = World()
    for _ in range(3):
        world.show("u", "a", "b")
    world.show(None, "a")
    world.take("u", "a", "impression")
    world.take("u", "a", "dislike")
    world.take("u", "a", "purchase")
    world.take("u", "a", "purchase")
    world.take("stranger", "a", "purchase")
    answer = await world.read("a")
    assert (sum(answer.shown), sum(answer.shown_to_user), sum(answer.chosen)) == (4, 3, 1)
    assert {type_: sum(counts) for type_, counts in answer.events.items()} == {
        "dislike": 1,
        "impression": 1,
        "purchase": 3,
    }
    assert answer.chosen_share is not None
    assert (answer.chosen_share.share, answer.chosen_share.high < 1) == (0.3333, True)
    assert (await world.read("nobody")).chosen_share is None


async def test_what_was_shown_long_before_or_to_somebody_erased_was_not_chosen_from_it() -> None:
    world = World()
    world.show("u", "a")
    world.show("erased", "a")
    await world.counting.forget_user("erased")
    world.take("erased", "a")
    world.now += 3601
    world.take("u", "a")
    answer = await world.read("a")
    assert (sum(answer.chosen), sum(answer.events["interaction"])) == (0, 2)


async def test_counts_stand_in_their_hours_and_go_after_a_day() -> None:
    world = World()
    world.show("u", "a")
    first = await world.read("a")
    assert (first.shown[-1], first.at[-1]) == (1, int(world.now // HOUR_S) * HOUR_S)
    world.now += 23 * HOUR_S
    world.show("u", "b")
    assert (await world.read("a")).shown[0] == 1
    world.now += HOUR_S
    assert sum((await world.read("a")).shown) == 0


async def test_a_clock_that_jumps_back_counts_on() -> None:
    world = World()
    world.show("u", "a")
    world.now -= 5 * HOUR_S
    world.take("u", "a")
    assert sum((await world.read("a")).chosen) == 1


async def test_while_the_cache_is_away_counts_wait_and_stay_bounded() -> None:
    world = World()
    away = AwayOnce(world.cache)
    world.counting = Exposures(away, NullMetrics(), world.clock)
    for number in range(counting.MAX_COUNTS):
        world.show(None, f"i{number}")
    world.show(None, "one more", "i0")
    await world.counting.hand_over()
    world.show(None, "i0")
    assert sum((await world.read("i0")).shown) == 3
    assert sum((await world.read("one more")).shown) == 0


async def test_users_items_and_types_are_bounded() -> None:
    world = World()
    for number in range(counting.MAX_USERS + 1):
        world.show(f"u{number}", "a")
    world.show("u1", *(f"i{number}" for number in range(counting.MAX_SHOWN)))
    for user in ("u0", "u1", "u2"):
        world.take(user, "a")
    for number in range(30):
        world.take("u2", "a", f"type {number}")
    world.take("u2", "a", "x" * 100_000)
    answer = await world.read("a")
    assert sum(answer.chosen) == 1  # of u2 alone: u0 went first, and u1 was shown a hundred others since
    assert len(answer.events) == counting.MAX_TYPES + 1
    assert sum(answer.events[OTHER_TYPES]) == 12


class AwayOnce:
    """A cache that does not answer the first time."""

    def __init__(self, cache: MemoryCache) -> None:
        self._cache, self._is_away = cache, True
        self.tallies, self.forget_steps, self.steps = cache.tallies, cache.forget_steps, cache.steps

    async def add_tallies(self, hour: int, counts: Mapping[tuple[str, str], int]) -> None:
        if self._is_away:
            self._is_away = False
            raise Unavailable("away")
        await self._cache.add_tallies(hour, counts)

    async def add_steps(self, steps: Mapping[str, Sequence[Step]]) -> None:
        if self._is_away:
            raise Unavailable("away")
        await self._cache.add_steps(steps)
