"""Who is offered what, and what happens while parts are down."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.recommendation import RecommendationRequest, Recommendations
from streamrec.domain.sources.popular import POPULAR, WINDOWS
from streamrec.domain.sources.table import SOURCE_OF, first_blend
from streamrec.domain.users.user import UserState
from streamrec.errors import Unavailable
from streamrec.ports import IndexAnswer, IndexQuery, RankedItem, UserUpdates, VectorTable
from streamrec.serving.composition import Serving, ServingLimits, serving_over
from streamrec.telemetry import NullMetrics

N_ITEMS = 60
NOW = 1_700_000_000.0


def vector(*numbers: float) -> bytes:
    return np.array(numbers, "<f4").tobytes()


class Stack:
    """A user's vector ranks i59 first, i58 next ...; popularity ranks i0 first."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.cache = MemoryCache()
        self.ids = [f"i{row}" for row in range(N_ITEMS)]
        table = VectorTable(self.ids, np.array([[row, 0.0] for row in range(N_ITEMS)], np.float32))
        self.index: Any = MemoryIndex({"g1": table})
        lease = self.store.acquire("trainer", "test", 10.0, NOW)
        assert lease is not None
        self.lease = lease
        ranking = [RankedItem(item_id, float(N_ITEMS - row)) for row, item_id in enumerate(self.ids)]
        self.cache.publish_popular({"recent": ranking[:20], "all": ranking})
        self.know("known")
        self.serving = self.rebuilt()

    def rebuilt(self, timeout_s: float = 1.0) -> Serving:
        limits = ServingLimits(timeout_s, n_seen_excluded=30)
        self.serving = serving_over(self.store, self.cache, self.index, NullMetrics(), limits)
        return self.serving

    async def aclose(self) -> None:
        await self.serving.aclose()

    def know(
        self, user_id: str, seen: Sequence[str] = (), disliked: Sequence[str] = (), generation: str = "g1"
    ) -> None:
        state = UserState(user_id, generation, vector(1.0, 1.0), disliked=tuple(disliked))
        rows = [(user_id, item_id, NOW) for item_id in seen]
        self.store.publish_users(UserUpdates([state], rows), self.lease)

    async def ask(self, **request: Any) -> Recommendations:
        return await self.serving.recommender.recommend(RecommendationRequest(**request))


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    made = Stack()
    yield made
    await made.aclose()


def ids_of(answer: Recommendations) -> list[str]:
    return [item.item_id for item in answer.items]


async def test_a_known_user_gets_what_the_model_ranks_highest(stack: Stack) -> None:
    answer = await stack.ask(user_id="known", k=3)
    assert ids_of(answer) == ["i59", "i58", "i57"]
    assert {item.source for item in answer.items} == {"gmf"}
    assert (answer.based_on, answer.generation, answer.degraded) == ("user_id", "g1", False)
    scores = [item.score for item in answer.items]
    assert 1 > scores[0] > scores[1] > scores[2] > 0


async def test_seen_and_disliked_items_are_left_out(stack: Stack) -> None:
    stack.know("reader", seen=["i59", "i57"], disliked=["i58"])
    assert ids_of(await stack.ask(user_id="reader", k=2)) == ["i56", "i55"]


async def test_seen_items_may_come_back_but_disliked_ones_never(stack: Stack) -> None:
    stack.know("reader", seen=["i59", "i57"], disliked=["i58"])
    assert ids_of(await stack.ask(user_id="reader", k=2, exclude_seen=False)) == ["i59", "i57"]


async def test_an_unknown_user_with_an_item_gets_similar_ones(stack: Stack) -> None:
    for user_id in (None, "unknown"):
        answer = await stack.ask(user_id=user_id, item_id="i5", k=3)
        assert answer.based_on == "item_id"
        assert {item.source for item in answer.items} == {"similar"}
        assert "i5" not in ids_of(answer)


@pytest.mark.parametrize("who", [{}, {"user_id": "nobody"}, {"item_id": "unknown"},
                                 {"user_id": "nobody", "item_id": "unknown"}])  # fmt: skip
async def test_everybody_else_gets_popular_items(stack: Stack, who: dict[str, str]) -> None:
    answer = await stack.ask(**who, k=3)
    assert ids_of(answer) == ["i0", "i1", "i2"]
    assert (answer.based_on, answer.generation, answer.degraded) == ("popular_items", None, False)
    assert answer.items[0].source == "popular"


async def test_an_unknown_users_seen_items_are_left_out_of_popular_ones(stack: Stack) -> None:
    stack.store.publish_users(UserUpdates([], [("new", "i0", NOW)]), stack.lease)
    assert ids_of(await stack.ask(user_id="new", k=2)) == ["i1", "i2"]


async def test_a_user_of_a_generation_that_is_not_served_gets_popular_items(stack: Stack) -> None:
    stack.know("late", generation="g0")
    answer = await stack.ask(user_id="late", k=2)
    assert (answer.based_on, answer.degraded) == ("popular_items", False)
    assert len(answer.items) == 2


async def test_a_known_user_is_what_a_list_rests_on_even_if_all_of_it_is_popular(stack: Stack) -> None:
    stack.cache.publish_popular({window: [RankedItem("i59", 1.0)] for window in WINDOWS})
    only_popular = first_blend().published()
    weights = [float(SOURCE_OF[name] in POPULAR) for name in only_popular.sources]
    stack.cache.publish_blend(
        msgspec.structs.replace(only_popular, weights=dict.fromkeys(only_popular.weights, weights))
    )
    answer = await stack.ask(user_id="known", k=1)
    assert [(item.item_id, item.source) for item in answer.items] == [("i59", "popular")]
    assert answer.based_on == "user_id"


async def test_new_items_in_an_unknown_users_list_do_not_make_it_their_own(stack: Stack) -> None:
    stack.cache.publish_popular({"new": [RankedItem("new", 1.0)]})
    limits = ServingLimits(exploration_share=1.0)
    stack.serving = serving_over(stack.store, stack.cache, stack.index, NullMetrics(), limits)
    answer = await stack.ask(user_id="unknown", k=10)
    assert {item.source for item in answer.items} == {"popular", "new"}
    assert answer.based_on == "popular_items"
    listed = await stack.ask(only_ids=("i1", "unknown"))
    assert {item.source for item in listed.items} == {"popular", "listed"}
    assert listed.based_on == "popular_items"


async def test_sources_fill_up_to_k_without_repeats(stack: Stack) -> None:
    few = VectorTable(["i1", "i2"], np.array([[1.0, 0.0], [2.0, 0.0]], np.float32))
    stack.index = MemoryIndex({"g1": few})
    stack.rebuilt()
    answer = await stack.ask(user_id="known", k=5)
    assert ids_of(answer) == ["i2", "i1", "i0", "i3", "i4"]
    assert [item.source for item in answer.items] == ["gmf", "gmf", "popular", "popular", "popular"]
    assert answer.based_on == "user_id"


async def test_popularity_of_all_times_fills_what_recent_popularity_leaves_open(stack: Stack) -> None:
    assert ids_of(await stack.ask(k=25)) == stack.ids[:25]


async def test_as_many_as_exist_and_no_more(stack: Stack) -> None:
    assert len((await stack.ask(user_id="known", k=1000)).items) == N_ITEMS


async def test_hidden_items_are_left_out_and_replaced(stack: Stack) -> None:
    stack.cache = MemoryCache()  # else those that are popular come first
    stack.rebuilt()
    await stack.store.put_items([Item(f"i{row}", is_hidden=True) for row in range(35, 60)])
    assert ids_of(await stack.ask(user_id="known", k=3)) == ["i34", "i33", "i32"]


async def test_categories_filter_exactly_and_are_topped_up(stack: Stack) -> None:
    items = [
        Item(f"i{row}", categories=("rare",) if row in (7, 3) else ("common",)) for row in range(N_ITEMS)
    ]
    await stack.store.put_items(items)
    answer = await stack.ask(user_id="known", k=2, categories=frozenset({"rare"}))
    assert ids_of(answer) == ["i7", "i3"]
    stack.cache.publish_popular({"recent:rare": [RankedItem("fresh", 1.0), RankedItem("i3", 0.5)]})
    answer = await stack.ask(user_id="known", k=5, categories=frozenset({"rare"}))
    # What is popular within a category is in it, whatever else is known of it; two sources speak for i3.
    assert ids_of(answer) == ["i3", "fresh", "i7"]
    both = await stack.ask(user_id="known", k=3, categories=frozenset({"rare", "common"}))
    assert ids_of(both) == ["i59", "i58", "i57"]


async def test_popular_items_of_several_categories_are_merged_by_score(stack: Stack) -> None:
    stack.cache.publish_popular(
        {
            "recent:a": [RankedItem("a1", 5.0), RankedItem("both", 3.0)],
            "recent:b": [RankedItem("b1", 4.0), RankedItem("both", 3.0)],
        }
    )
    assert ids_of(await stack.ask(k=5, categories=frozenset("ab"))) == ["a1", "b1", "both"]


async def test_metadata_comes_with_the_items(stack: Stack) -> None:
    await stack.store.put_items(
        [Item("i59", "film", "Alien", "long text", ("sf",), attributes={"year": 1979})]
    )
    first, second = (await stack.ask(user_id="known", k=2)).items
    assert (first.kind, first.title, first.categories, first.attributes) == (
        "film", "Alien", ("sf",), {"year": 1979},
    )  # fmt: skip
    assert (second.title, second.attributes) == (None, {})


class Down:
    """Every call of it fails, at once or never."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    def __getattr__(self, _name: str) -> Any:
        async def fail(*_arguments: object) -> None:
            if self._hangs:
                await asyncio.sleep(60)
            raise Unavailable("down")

        return fail


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize(
    ("part", "based_on", "n_items"),
    [("index", "popular_items", 3), ("store", "popular_items", 3), ("cache", "user_id", 3)],
)
async def test_a_part_that_is_down_degrades_the_answer(
    stack: Stack, part: str, based_on: str, n_items: int, hangs: bool
) -> None:
    setattr(stack, part, Down(hangs=hangs))
    stack.rebuilt(timeout_s=0.02)
    answer = await stack.ask(user_id="known", k=3)
    assert answer.degraded
    assert answer.based_on == based_on
    assert len(answer.items) == n_items


async def test_popular_items_are_remembered_for_when_the_cache_is_down(stack: Stack) -> None:
    class Failing(MemoryCache):
        is_down = False

        async def popular(self, name: str, limit: int) -> list[RankedItem]:
            if self.is_down:
                raise Unavailable("down")
            return await super().popular(name, limit)

    cache = Failing()
    cache.publish_popular({"recent": [RankedItem("hit", 1.0)]})
    stack.cache = cache
    stack.rebuilt()
    await stack.ask(k=1)
    cache.is_down = True
    answer = await stack.ask(k=1)
    assert (ids_of(answer), answer.degraded) == (["hit"], True)


async def test_all_down_is_an_empty_answer_that_says_so(stack: Stack) -> None:
    for part in ("index", "store", "cache"):
        setattr(stack, part, Down(hangs=False))
    stack.rebuilt()
    answer = await stack.ask(user_id="known", k=3)
    assert (answer.items, answer.degraded) == ([], True)


async def test_one_search_and_one_look_at_metadata_answer_a_known_user(stack: Stack) -> None:
    calls: list[IndexQuery] = []
    inner = stack.index

    class Counting:
        async def search(self, query: IndexQuery) -> IndexAnswer:
            calls.append(query)
            answer: IndexAnswer = await inner.search(query)
            return answer

    stack.index = Counting()
    stack.rebuilt()
    stack.know("reader", seen=["i59"], disliked=["i58"])
    await stack.ask(user_id="reader", k=10)
    assert len(calls) == 1
    assert set(calls[0].exclude) == {"i58", "i59"}
    assert calls[0].generation == "g1"
