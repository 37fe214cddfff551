"""What somebody chose a moment ago is in their list before the trainer has published anything of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from recommender_server.app import Parts, Rules, create_app
from streamrec.adapters.memory.events import MemoryEventSink
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.opening import open_cache, open_cache_publisher, open_store, open_trainer_store
from streamrec.ports import VectorTable
from streamrec.serving.composition import ServingLimits
from streamrec.telemetry import NullMetrics
from tests.asgi_client import Client
from tests.builders import GENERATION, RunningTrainer, World, events

# A driver whose call is given up in the middle leaves its socket to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PATIENCE_S = 60.0
"""How long a part may take on a busy machine before an answer goes on without it."""

N_OF_A_KIND = 15


class Stack:
    """A trainer that rests, and a recommender over the same log, stores and cache."""

    def __init__(self, world: World, trainer: RunningTrainer, store_url: str, cache_url: str) -> None:
        self.world = world
        self.trainer = trainer
        self.store, self.cache = open_store(store_url), open_cache(cache_url)
        vectors = {id_: record.vector or b"" for id_, record in world.published_vectors().items()}
        table = np.stack([np.frombuffer(vector, "<f4") for vector in vectors.values()])
        index = MemoryIndex({GENERATION: VectorTable(list(vectors), table)})
        parts = Parts(self.store, self.cache, index, MemoryEventSink(world.log), NullMetrics())
        self.client = Client(create_app(parts, Rules(ServingLimits(PATIENCE_S))))

    async def choose(self, *item_ids: str, user_id: str = "cat", **fields: Any) -> None:
        sent = [{"user_id": user_id, "item_id": item_id, "timestamp": 5000, **fields} for item_id in item_ids]
        assert (await self.client.call("POST", "/v1/events", json=sent)).status == 202

    async def answer(self, user_id: str = "cat", k: int = 10, more: str = "") -> Any:
        answer = await self.client.call("GET", f"/v1/recommendations?user_id={user_id}&k={k}{more}")
        assert answer.status == 200, answer.body
        assert not answer.json["degraded"], answer.body
        return answer.json

    async def offered(self, user_id: str = "cat", k: int = 10, more: str = "") -> list[str]:
        return [item["item_id"] for item in (await self.answer(user_id, k, more))["items"]]

    def learn(self) -> None:
        """Let the trainer learn and publish all there is."""
        self.trainer.step(3)

    async def close(self) -> None:
        await self.client.shut_down()
        await self.store.aclose()
        await self.cache.aclose()


def two_tastes() -> list[dict[str, Any]]:
    """Return events of users who choose either even items or odd ones, and of one who chose two even ones."""
    chance = np.random.default_rng(3)
    pairs = []
    for round_number in range(200):
        kind = round_number % 2
        user_id = f"{('even', 'odd')[kind]}{round_number % 20}"
        number = 2 * int(chance.integers(N_OF_A_KIND)) + kind
        pairs.append((user_id, f"i{number}"))
    return [*events(*pairs), *events(("cat", "i0"), ("cat", "i2"))]


S = TypeVar("S", bound=Stack)

Settle = Callable[[RunningTrainer], None]


@asynccontextmanager
async def stack_of(
    kind: type[S],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    sent: Sequence[dict[str, Any]],
    settle: Settle,
) -> AsyncIterator[S]:
    """Make a stack whose trainer learned events; its cache is what the request's parameter says."""
    store_url = f"sqlite:///{tmp_path}/store.db"
    cache_url = f"sqlite:///{tmp_path}/cache.db"
    if request.param == "redis":
        cache_url = request.getfixturevalue("redis_url")
    world: Any = World(tmp_path)
    world.store, world.cache = open_trainer_store(store_url), open_cache_publisher(cache_url)
    world.send(*sent)
    trainer = world.trainer()
    settle(trainer)
    made = kind(world, trainer, store_url, cache_url)
    yield made
    await made.close()
    trainer.context.close()
    world.store.close()
    world.cache.close()


def publish_all(trainer: RunningTrainer) -> None:
    trainer.step()
    state = trainer.state
    while state.dirty_neighbours.n_waiting or state.dirty_items.n_waiting:  # published in a share of the time
        trainer.step()
    trainer.step(2)


@pytest.fixture(params=["sqlite", "redis"])
async def stack(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stack]:
    async with stack_of(Stack, request, tmp_path, two_tastes(), publish_all) as made:
        yield made


def n_odd(item_ids: list[str]) -> int:
    return sum(int(item_id[1:]) % 2 for item_id in item_ids)


async def test_a_choice_changes_the_next_list_while_the_trainer_rests(stack: Stack) -> None:
    before = await stack.offered()
    assert n_odd(before) <= 2
    chosen = ["i1", "i3", "i5"]
    await stack.choose(*chosen)
    after = await stack.offered()
    assert not set(chosen) & set(after)
    assert n_odd(after) > n_odd(before)
    assert set(chosen) <= set(await stack.offered(k=30, more="&exclude_seen=false"))


async def test_others_are_offered_what_they_were(stack: Stack) -> None:
    before = await stack.offered("even0")
    await stack.choose("i1", "i3", "i5")
    assert await stack.offered("even0") == before


async def test_a_newcomer_has_a_list_of_their_own_at_the_first_choice(stack: Stack) -> None:
    assert (await stack.answer("new"))["based_on"] == "popular_items"
    await stack.choose("i1", user_id="new")
    answer = await stack.answer("new")
    assert (answer["based_on"], answer["generation"]) == ("user_id", GENERATION)
    offered = [item["item_id"] for item in answer["items"]]
    assert "i1" not in offered
    assert n_odd(offered) > 5


async def test_the_trainers_own_list_comes_after_it(stack: Stack) -> None:
    await stack.choose("i1", "i3", "i5")
    formed = await stack.offered()
    stack.learn()
    document = (await stack.store.get_user("cat")) or pytest.fail("nothing was published")
    assert document.state is not None
    assert document.state.recent[-3:] == ("i1", "i3", "i5")
    published = await stack.offered()
    assert len(set(formed) & set(published)) >= 8


async def test_a_dislike_is_not_offered_again_and_an_impression_says_nothing(stack: Stack) -> None:
    first, second, *_ = before = await stack.offered()
    await stack.choose(second, type="impression")
    assert await stack.offered() == before
    await stack.choose(first, type="dislike")
    assert first not in await stack.offered(k=30, more="&exclude_seen=false")


async def test_an_erased_user_is_a_stranger_at_once(stack: Stack) -> None:
    before = (await stack.answer("new"))["items"]
    await stack.choose("i1", user_id="new")
    assert (await stack.client.call("DELETE", "/v1/users/new")).status == 204
    answer = await stack.answer("new")
    assert (answer["based_on"], answer["items"]) == ("popular_items", before)
    await stack.choose("i3", user_id="new")
    assert (await stack.answer("new"))["based_on"] == "user_id"


async def test_a_deleted_item_is_no_choice_any_more(stack: Stack) -> None:
    before = await stack.offered()
    await stack.choose("i1")
    assert (await stack.client.call("DELETE", "/v1/items/i1")).status in (204, 404)
    after = await stack.offered()
    assert [item_id for item_id in after if item_id != "i1"] == [id_ for id_ in before if id_ != "i1"][
        : len(after) - ("i1" in after)
    ]


async def test_a_retry_of_a_post_is_the_same_choice(stack: Stack) -> None:
    await stack.choose("i1", event_id="e1")
    once = await stack.answer()
    await stack.choose("i1", event_id="e1", timestamp=6000)
    again = await stack.answer()
    assert again.pop("request_id") != once.pop("request_id")
    assert again == once


async def test_an_item_that_nobody_chose_before_is_not_offered_again_and_spoils_nothing(
    stack: Stack,
) -> None:
    before = await stack.answer()
    await stack.choose("never seen")
    answer = await stack.answer()
    assert answer["based_on"] == "user_id"
    assert {item["item_id"] for item in answer["items"]} == {item["item_id"] for item in before["items"]}
    assert "never seen" not in await stack.offered(k=30)


@pytest.mark.parametrize("timestamp", ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", None])
async def test_clocks_that_are_wrong_cost_no_choice(stack: Stack, timestamp: str | None) -> None:
    before = await stack.offered()
    await stack.choose("i1", "i3", "i5", timestamp=timestamp)
    assert n_odd(await stack.offered()) > n_odd(before)
    stack.learn()
    learned = await stack.offered()
    assert not {"i1", "i3", "i5"} & set(learned)


async def test_many_posts_at_once_are_taken_in_and_answered(stack: Stack) -> None:
    chosen = [f"i{number}" for number in range(18)]
    await asyncio.gather(*(stack.choose(*chosen * 10) for _ in range(20)))
    assert sorted(await stack.offered(k=30)) == sorted(f"i{number}" for number in range(18, 30))
    assert len(await stack.offered("even0")) == 10
