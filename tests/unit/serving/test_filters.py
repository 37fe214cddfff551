"""What a request may leave out, choose from, and want of the shape of its list; and its pages."""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.ranking.recommendation import RecommendationRequest, Recommendations
from streamrec.domain.users.user import UserState
from streamrec.errors import InvalidInput, Unavailable
from streamrec.ports import RankedItem, UserUpdates, VectorTable
from streamrec.serving.composition import Serving, ServingLimits, serving_over
from streamrec.telemetry import NullMetrics
from tests.builders import near

N_ITEMS = 1200
IDS = [f"i{row}" for row in range(N_ITEMS)]
VECTOR = np.array([1.0, 1.0, 1.0], "<f4").tobytes()


class Index(MemoryIndex):
    """Ranks i0 first; items of the same parity are similar. Counts calls, and may be away for vectors."""

    def __init__(self) -> None:
        table = np.zeros((N_ITEMS, 3), np.float32)
        table[np.arange(N_ITEMS), np.arange(N_ITEMS) % 2] = 1.0
        table[:, 2] = np.linspace(3, 0, N_ITEMS)
        super().__init__({"g1": VectorTable(IDS, table)})
        self.n_asked = {"search": 0, "vectors": 0}
        self.is_away = False

    async def search(self, *arguments: Any) -> Any:
        self.n_asked["search"] += 1
        return await super().search(*arguments)

    async def vectors(self, *arguments: Any) -> dict[str, bytes]:
        self.n_asked["vectors"] += 1
        if self.is_away:
            raise Unavailable("away")
        return await super().vectors(*arguments)


class Stack:
    """A user "u" who has seen i0 and dislikes i1, and a server over parts in memory."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.cache = MemoryCache()
        self.index = Index()
        lease = self.store.acquire("trainer", "test", 10.0, 0.0)
        assert lease is not None
        state = UserState("u", "g1", VECTOR, ("i0",), ("i1",), 9, 1.0)
        self.store.publish_users(UserUpdates([state], [("u", "i0", 1.0)]), lease)
        self.serving = self.replica()

    def replica(self) -> Serving:
        return serving_over(self.store, self.cache, self.index, NullMetrics(), ServingLimits())

    async def ask(self, **request: Any) -> Recommendations:
        return await self.serving.recommender.recommend(RecommendationRequest(**request))

    async def ids(self, **request: Any) -> list[str]:
        return [item.item_id for item in (await self.ask(**request)).items]


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    made = Stack()
    yield made
    await made.serving.aclose()


async def test_excluded_items_make_room(stack: Stack) -> None:
    assert await stack.ids(user_id="u", k=3) == ["i2", "i3", "i4"]
    excluded = frozenset({"i2", "i4", "nobody"})
    assert await stack.ids(user_id="u", k=3, exclude_ids=excluded) == ["i3", "i5", "i6"]
    assert await stack.ids(user_id="u", k=2, exclude_ids=frozenset(IDS[:1000])) == ["i1000", "i1001"]
    stack.cache.publish_popular({"all": [RankedItem(id_, 1.0) for id_ in IDS[:9]]})
    assert await stack.ids(k=2, exclude_ids=frozenset({"i0", "i2"})) == ["i1", "i3"]


async def test_allowed_items_are_ranked_however_far_down_they_stand(stack: Stack) -> None:
    allowed = ("i1150", "i1190", "i7", "i1100", "i0", "i1")
    assert await stack.ids(user_id="u", only_ids=allowed) == ["i7", "i1100", "i1150", "i1190"]
    assert stack.index.n_asked["search"] == 0
    answer = await stack.ask(user_id="u", only_ids=allowed, k=2)
    assert (answer.based_on, answer.generation, answer.degraded) == ("user_id", "g1", False)
    assert await stack.ids(user_id="u", only_ids=allowed, exclude_seen=False, k=1) == ["i0"]


async def test_allowed_items_that_nobody_proposes_come_last_as_given(stack: Stack) -> None:
    await stack.store.put_items([Item("hidden", is_hidden=True)])
    answer = await stack.ask(user_id="u", only_ids=("new-b", "i9", "hidden", "new-a"), k=9)
    assert [item.item_id for item in answer.items] == ["i9", "new-b", "new-a"]
    assert [(item.source, item.score > 0) for item in answer.items] == [
        ("gmf", True), ("listed", False), ("listed", False),
    ]  # fmt: skip
    assert await stack.ids(user_id="u", only_ids=("new-b", "i9"), min_score=0.001) == ["i9"]
    assert await stack.ids(only_ids=("i3", "i2")) == ["i3", "i2"]


async def test_unknown_users_get_the_allowed_items_that_are_like_the_one_they_look_at(stack: Stack) -> None:
    ids = await stack.ids(item_id="i5", only_ids=("i6", "i7", "i8", "i5"))
    assert ids == ["i7", "i6", "i8"]
    stack.cache.publish_popular({"all": [RankedItem("i4", 9.0), RankedItem("i6", 3.0)]})
    assert await stack.ids(only_ids=("i5", "i6")) == ["i6", "i5"]


async def test_allowed_items_and_categories_both_hold(stack: Stack) -> None:
    await stack.store.put_items([Item("i5", categories=("x",)), Item("i6", categories=("y",))])
    wanted = {"user_id": "u", "only_ids": ("i5", "i6", "i7"), "categories": frozenset({"x"})}
    assert await stack.ids(**wanted) == ["i5"]


async def test_allowed_items_while_the_index_is_away(stack: Stack) -> None:
    stack.index.is_away = True
    answer = await stack.ask(user_id="u", only_ids=("i5", "i4"))
    assert ([item.item_id for item in answer.items], answer.degraded) == (["i5", "i4"], True)


async def test_a_minimum_score_cuts_the_list(stack: Stack) -> None:
    scores = [item.score for item in (await stack.ask(user_id="u", k=4)).items]
    assert scores == sorted(scores, reverse=True)
    assert await stack.ids(user_id="u", k=4, min_score=scores[1]) == ["i2", "i3"]
    assert await stack.ids(user_id="u", min_score=2.0) == []


async def test_diversity_mixes_and_0_asks_for_no_vectors(stack: Stack) -> None:
    plain = await stack.ids(user_id="u", k=6, exclude_ids=frozenset({"i3", "i5", "i7", "i9"}))
    assert await stack.ids(user_id="u", k=6) == [f"i{n}" for n in range(2, 8)]
    assert stack.index.n_asked["vectors"] == 0
    mixed = await stack.ask(
        user_id="u", k=2, exclude_ids=frozenset({"i3", "i5", "i7", "i9"}), shape=Shape(0.6)
    )
    assert plain[:2] == ["i2", "i4"]
    assert [item.item_id for item in mixed.items] == ["i2", "i11"]
    assert stack.index.n_asked["vectors"] == 1
    assert not mixed.degraded


async def test_diversity_while_the_index_gives_no_vectors(stack: Stack) -> None:
    stack.index.is_away = True
    answer = await stack.ask(user_id="u", k=2, shape=Shape(0.6))
    assert ([item.item_id for item in answer.items], answer.degraded) == (["i2", "i3"], True)


async def test_a_category_is_capped_while_there_are_others(stack: Stack) -> None:
    crowd = [Item(f"i{n}", categories=("x",)) for n in range(2, 12)]
    await stack.store.put_items(crowd)
    capped = Shape(max_per_category=2)
    assert await stack.ids(user_id="u", k=4, shape=capped) == ["i2", "i3", "i12", "i13"]
    only = tuple(item.item_id for item in crowd)
    assert len(await stack.ids(user_id="u", k=5, only_ids=only, shape=capped)) == 5


async def test_pages_show_all_once_and_end(stack: Stack) -> None:
    await stack.store.put_items([Item("i20", is_hidden=True)])
    shown: list[str] = []
    cursor, other = None, stack.replica()
    for page in range(1000):
        server = (stack.serving, other)[page % 2].recommender
        answer = await server.recommend(RecommendationRequest(90, "u", cursor=cursor))
        shown += [item.item_id for item in answer.items]
        cursor = answer.next_cursor
        if cursor is None:
            break
    assert page == 11
    assert len(shown) == len(set(shown)) == 999  # the index gives its best 1,000, and one of them is hidden
    assert not {"i0", "i1", "i20"} & set(shown)
    assert shown[:90] == [f"i{n}" for n in range(2, 93) if n != 20]
    await other.aclose()


async def test_a_page_that_is_short_is_the_last_unless_a_part_is_away(stack: Stack) -> None:
    allowed = ("i5", "i6", "i7")
    first = await stack.ask(user_id="u", only_ids=allowed, k=2)
    assert first.next_cursor is not None
    second = await stack.ask(user_id="u", only_ids=allowed, k=2, cursor=first.next_cursor)
    assert ([item.item_id for item in second.items], second.next_cursor) == (["i7"], None)
    stack.index.is_away = True
    stack.cache.publish_popular({"all": [RankedItem("i5", 1.0)]})
    short = await stack.ask(user_id="u", only_ids=allowed, k=9)
    assert short.degraded
    assert short.next_cursor is not None


async def test_pages_go_through_shaped_lists_too(stack: Stack) -> None:
    shape = Shape(0.3, 4)
    await stack.store.put_items([Item(id_, categories=(f"c{n % 7}",)) for n, id_ in enumerate(IDS[:300])])
    shown: list[str] = []
    cursor = None
    for _ in range(20):
        answer = await stack.ask(user_id="u", shape=shape, cursor=cursor)
        shown += [item.item_id for item in answer.items]
        cursor = answer.next_cursor
    assert len(shown) == len(set(shown)) == 200


async def test_a_cursor_of_another_question_is_refused_before_anything_is_asked(stack: Stack) -> None:
    cursor = (await stack.ask(user_id="u")).next_cursor
    n_searches = stack.index.n_asked["search"]
    with pytest.raises(InvalidInput, match="'cursor'"):
        await stack.ask(user_id="v", cursor=cursor)
    assert stack.index.n_asked["search"] == n_searches


async def test_neighbours_that_are_not_allowed_are_not_proposed(stack: Stack) -> None:
    stack.cache.publish_neighbours({"i0": near(("i50", 0.9, 9.0, 0.5), ("i60", 0.8, 9.0, 0.5))})
    answer = await stack.ask(user_id="u", only_ids=("i60", "i40"), k=5)
    assert [item.item_id for item in answer.items] == ["i60", "i40"]
