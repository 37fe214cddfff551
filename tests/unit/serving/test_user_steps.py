"""Steps of users: taking them down, handing them over, reading them."""

from collections.abc import Sequence

import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.users.steps import MAX_LISTED, MAX_STEPS, REFUSED_S
from streamrec.errors import Unavailable
from streamrec.serving.exposures import user_steps
from streamrec.serving.exposures.user_steps import (
    OTHER_TYPES,
    TakenSteps,
    UserExposuresAnswer,
    UserStepReader,
)
from streamrec.serving.guard import Guard
from streamrec.telemetry import NullMetrics

WEIGHTS = EventWeights({"impression": 0.0, "dislike": -1.0})


class Counted(NullMetrics):
    n_dropped = 0

    def count(self, name: str, n: int = 1) -> None:
        assert name == "recommender.steps_dropped"
        self.n_dropped += n


class Away(MemoryCache):
    """A cache that takes nothing for as long as it is away."""

    is_away = False

    async def add_steps(self, steps: object) -> None:
        if self.is_away:
            raise Unavailable("away")
        await super().add_steps(steps)  # type: ignore[arg-type]

    async def forget_steps(self, user_id: str) -> None:
        if self.is_away:
            raise Unavailable("away")
        await super().forget_steps(user_id)


class World:
    """Servers over one cache."""

    def __init__(self, n_servers: int = 1) -> None:
        self.now = 1_700_000_000.0
        self.cache = Away(clock=self.clock)
        self.metrics = Counted()
        self.servers = [TakenSteps(self.cache, self.metrics, self.clock) for _ in range(n_servers)]

    def clock(self) -> float:
        return self.now

    def take(self, user_id: str, item_id: str, type_: str = "interaction", server: int = 0) -> None:
        self.servers[server].note_events([Interaction(user_id, item_id, 5.0, type_)], WEIGHTS)

    async def hand_over(self) -> None:
        for server in self.servers:
            await server.hand_over()

    async def read(self, user_id: str, server: int = 0) -> UserExposuresAnswer:
        guard = Guard("cache", 5.0, NullMetrics())
        return await UserStepReader(self.servers[server], self.cache, guard).read(user_id)


def told(answer: UserExposuresAnswer) -> list[tuple[str | None, Sequence[str], float | None]]:
    """Return each step's type, items, and how long before it its item had been shown."""
    return [
        (step.type, step.item_ids, None if step.shown_at is None else round(step.at - step.shown_at, 3))
        for step in answer.steps
    ]


async def test_a_user_has_lists_and_events_each_with_what_it_came_from() -> None:
    world = World(n_servers=2)
    world.servers[0].note_list("u", ["a", "b"])
    world.now += 20
    world.take("u", "b", "impression", server=1)
    world.take("u", "b", "purchase", server=1)
    world.now += 5
    world.servers[1].note_list("u", ["c"])
    world.take("u", "c")  # within the same moment
    world.take("u", "elsewhere")
    world.take("other", "a")
    await world.hand_over()
    answer = await world.read("u")
    assert told(answer) == [
        ("interaction", ("elsewhere",), None),
        ("interaction", ("c",), 0),
        (None, ("c",), None),
        ("purchase", ("b",), 20.0),
        ("impression", ("b",), 20.0),
        (None, ("a", "b"), None),
    ]
    assert (answer.n_lists, answer.n_choices, answer.n_chosen) == (2, 3, 2)
    assert told(await world.read("nobody")) == []


async def test_what_was_shown_long_before_or_later_is_not_what_it_was_chosen_from() -> None:
    world = World()
    world.servers[0].note_list("u", ["a"])
    world.now += 3601
    world.take("u", "a")
    world.take("u", "b")
    world.now += 1
    world.servers[0].note_list("u", ["b"])
    answer = await world.read("u")
    assert [shown for type_, _, shown in told(answer) if type_] == [None, None]
    assert answer.n_chosen == 0


async def test_what_a_server_took_itself_is_told_at_once_and_once() -> None:
    world = World(n_servers=2)
    world.servers[0].note_list("u", ["a"])
    assert len((await world.read("u")).steps) == 1
    assert (await world.read("u", server=1)).steps == []
    await world.hand_over()
    world.servers[0].note_list("u", ["a"])  # the same list in the same moment is one step
    world.now += 1
    world.take("u", "a")
    assert [type_ for type_, *_ in told(await world.read("u"))] == ["interaction", None]


async def test_steps_are_bounded_in_number_and_length() -> None:
    world = World()
    world.servers[0].note_list("u", [f"i{n}" for n in range(1000)])
    world.take("u", "a", "x" * 100_000)
    answer = await world.read("u")
    assert {type_: len(ids) for type_, ids, _ in told(answer)} == {OTHER_TYPES: 1, None: MAX_LISTED}
    for n in range(MAX_STEPS + 3):
        world.now += 1
        world.take("u", f"i{n}")
    assert len((await world.read("u")).steps) == MAX_STEPS
    assert world.metrics.n_dropped == 5
    for n in range(user_steps.MAX_WAITING):
        world.take(f"u{n}", "a")
    await world.hand_over()
    assert world.metrics.n_dropped == 5 + MAX_STEPS
    assert (await world.read("u")).steps == []
    assert len((await world.read("u0")).steps) == 1


async def test_while_the_cache_is_away_steps_wait_for_a_while_and_in_order() -> None:
    world = World()
    world.cache.is_away = True
    world.take("old", "a")
    world.now += 20
    world.take("u", "a")
    await world.hand_over()
    world.now += 15
    world.take("u", "b")
    await world.hand_over()
    assert world.metrics.n_dropped == 1
    world.cache.is_away = False
    await world.hand_over()
    assert [ids for _, ids, _ in told(await world.read("u"))] == [("b",), ("a",)]
    assert (await world.read("old")).steps == []


async def test_a_step_that_another_server_holds_does_not_outlive_an_erasure() -> None:
    world = World(n_servers=2)
    for server in (0, 1):
        world.take("u", "a", server=server)
    await world.hand_over()
    world.take("u", "b", server=1)
    await world.servers[0].forget_user("u")
    await world.hand_over()
    assert [(await world.read("u", server)).steps for server in (0, 1)] == [[], []]
    world.now += REFUSED_S
    world.take("u", "c", server=1)
    await world.hand_over()
    assert [ids for _, ids, _ in told(await world.read("u"))] == [("c",)]


async def test_an_erasure_that_the_cache_did_not_hear_of_is_not_said_to_be_done() -> None:
    world = World()
    world.take("u", "a")
    world.cache.is_away = True
    with pytest.raises(Unavailable):
        await world.servers[0].forget_user("u")
    world.cache.is_away = False
    await world.servers[0].forget_user("u")
    assert (await world.read("u")).steps == []
