"""Filters on what is known of items: only what fulfils them, and as many as there are."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.filters.grammar import condition_of
from streamrec.domain.items.item import Item, ItemPage, ItemPosition
from streamrec.domain.ranking.recommendation import RecommendationRequest, Recommendations
from streamrec.domain.sources.feeds import popular_feed
from streamrec.domain.users.user import UserState
from streamrec.errors import Unavailable
from streamrec.ports import RankedItem, UserUpdates, VectorTable
from streamrec.serving.composition import ServingLimits, serving_over
from streamrec.serving.filters.item_filters import MOST_RANKED
from streamrec.telemetry import NullMetrics

N_ITEMS = 4_600
IDS = [f"i{row}" for row in range(N_ITEMS)]
VECTOR = np.array([1.0, 0.0, 1.0], "<f4").tobytes()


class Store(MemoryStore):
    """A store that may be away."""

    is_away = False

    async def changed_items(self, after: ItemPosition, limit: int) -> ItemPage:
        if self.is_away:
            raise Unavailable("away")
        return await super().changed_items(after, limit)

    async def get_versions(self, item_ids: Sequence[str]) -> Any:
        if self.is_away:
            raise Unavailable("away")
        return await super().get_versions(item_ids)


class Stack:
    """A user "u" who fits i0 best and the last item least, and has seen i5; items of falling popularity."""

    def __init__(self) -> None:
        self.store, self.cache = Store(), MemoryCache()
        table = np.zeros((N_ITEMS, 3), np.float32)
        table[:, 0] = np.linspace(3, 0, N_ITEMS)
        table[:, 2] = np.linspace(1, 0, N_ITEMS)
        self.index = MemoryIndex({"g1": VectorTable(IDS, table)})
        lease = self.store.acquire("trainer", "test", 10.0, 0.0)
        assert lease is not None
        state = UserState("u", "g1", VECTOR, ("i5",), (), 9, 1.0)
        self.store.publish_users(UserUpdates([state], [("u", "i5", 1.0)]), lease)
        ranking = [RankedItem(item_id, 9.0 - row / 1000) for row, item_id in enumerate(IDS[:1000])]
        self.cache.publish_popular({"week": ranking, "all": ranking, "trending": ranking[:20]})
        limits = ServingLimits(timeout_s=30.0, ranking_age_s=3600.0)
        self.serving = serving_over(self.store, self.cache, self.index, NullMetrics(), limits)

    async def put(self, *items: Item) -> None:
        await self.store.put_items(items)
        await self.serving.items.note_changes([item.item_id for item in items])

    async def ask(self, *written: str, **request: Any) -> Recommendations:
        conditions = tuple(map(condition_of, written))
        return await self.serving.recommender.recommend(
            RecommendationRequest(conditions=conditions, **request)
        )


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    made = Stack()
    # Each hundredth is rare; all but the first 300 are common.
    await made.store.put_items(
        [
            Item(
                item_id,
                categories=("c",) if row % 2 else ("d",),
                attributes={"price": row, "is_rare": row % 100 == 7, "stock": "in" if row >= 300 else "out"},
            )
            for row, item_id in enumerate(IDS)
        ]
    )
    yield made
    await made.serving.aclose()


def ids(answer: Any) -> list[str]:
    return [item.item_id for item in answer.items]


RARE = [f"i{row}" for row in range(7, N_ITEMS, 100)]


async def test_all_that_fulfil_a_rare_condition_come_in_the_users_own_order(stack: Stack) -> None:
    answer = await stack.ask("is_rare=true", user_id="u", k=46)
    assert ids(answer) == RARE
    assert {item.source for item in answer.items} <= {"gmf", "popular"}
    assert (answer.based_on, answer.degraded, answer.warnings) == ("user_id", False, [])
    assert ids(await stack.ask("is_rare=true", "price>=2000", user_id="u", k=3)) == [
        "i2007",
        "i2107",
        "i2207",
    ]
    assert ids(await stack.ask("price in (5, 6, 4599)", user_id="u")) == ["i6", "i4599"]
    assert ids(await stack.ask("price in (5, 6)", user_id="u", exclude_seen=False)) == ["i5", "i6"]


async def test_strangers_and_feeds_get_all_that_fulfil_it_too(stack: Stack) -> None:
    answer = await stack.ask("is_rare=true", k=46)
    assert ids(answer) == RARE
    assert {item.source for item in answer.items[10:]} == {"listed"}
    request = RecommendationRequest(46, conditions=(condition_of("is_rare=true"),))
    assert ids(await stack.serving.feeds.find(popular_feed("week"), request)) == RARE
    assert ids(await stack.serving.feeds.find(("trending",), request)) == ["i7"], "the others do not grow"
    assert ids(await stack.serving.similar.similar("i7", "vector", request)) == RARE[1:]


async def test_a_condition_that_most_fulfil_leaves_k_as_it_is(stack: Stack) -> None:
    n = N_ITEMS - 300
    assert n > MOST_RANKED
    for asked in ({"user_id": "u"}, {}, {"item_id": "i4000"}):
        answer = await stack.ask("stock=in", k=1000, **asked)
        assert len(set(ids(answer))) == 1000
        assert all(item.attributes["stock"] == "in" for item in answer.items)
    assert ids(await stack.ask("stock=in", user_id="u", k=3)) == ["i300", "i301", "i302"]


async def test_pages_of_a_filtered_list_show_all_of_it_once(stack: Stack) -> None:
    shown: list[str] = []
    cursor = None
    while len(shown) < 100:
        answer = await stack.ask("is_rare=true", user_id="u", k=20, cursor=cursor)
        shown += ids(answer)
        cursor = answer.next_cursor
        if cursor is None:
            break
    assert shown == RARE


async def test_categories_fill_up_by_the_table_once_it_is_there(stack: Stack) -> None:
    await stack.serving.followed.look()
    answer = await stack.ask(categories=frozenset({"c"}), k=1000)
    assert len(answer.items) == 1000
    assert all(item.categories == ("c",) for item in answer.items)
    answer = await stack.ask("category=c", "price>4000", user_id="u", k=1000)
    assert ids(answer) == [f"i{row}" for row in range(4001, N_ITEMS, 2)]


async def test_an_item_that_changes_is_not_shown_for_what_it_was_and_soon_for_what_it_is(
    stack: Stack,
) -> None:
    assert ids(await stack.ask("price<2", user_id="u")) == ["i0", "i1"]
    await stack.put(Item("i0", attributes={"price": 999}), Item("i4500", attributes={"price": 1}))
    assert ids(await stack.ask("price<2", user_id="u")) == ["i1"]
    await stack.serving.followed.look()
    assert ids(await stack.ask("price<2", user_id="u")) == ["i1", "i4500"]
    await stack.put(Item("i1", is_hidden=True))
    await stack.store.delete_item("i4500")
    await stack.serving.items.note_changes(["i4500"])
    assert ids(await stack.ask("price<2", user_id="u")) == []


async def test_what_fits_no_item_is_told(stack: Stack) -> None:
    answer = await stack.ask("prise<50", user_id="u")
    assert (answer.items, answer.warnings) == (
        [],
        ["no item has the attribute 'prise'; did you mean 'price'?"],
    )
    answer = await stack.ask(categories=frozenset({"C"}), user_id="u")
    assert answer.warnings == ["no item is of the category 'C'"]
    assert (await stack.ask("price!=1", user_id="u")).warnings == []
    assert (await stack.ask(user_id="u")).warnings == []


async def test_a_list_is_filtered_while_the_store_is_away(stack: Stack) -> None:
    whole = await stack.ask("is_rare=true", user_id="u", k=46)
    await stack.serving.items.aclose()
    stack.store.is_away = True
    with pytest.raises(Unavailable):
        await stack.serving.followed.look()
    assert ids(await stack.ask("is_rare=true", user_id="u", k=46)) == ids(whole)
    later = await stack.ask("price>4590", user_id="u", k=9)
    assert (ids(later), later.degraded) == ([f"i{row}" for row in range(4591, N_ITEMS)], True)


async def test_before_all_items_are_known_what_is_proposed_is_filtered_and_the_rest_is_told() -> None:
    stack = Stack()
    await stack.store.put_items([Item("i3", attributes={"price": 1})])
    stack.store.is_away = True
    limits = ServingLimits(timeout_s=0.01)
    serving = serving_over(stack.store, stack.cache, stack.index, NullMetrics(), limits)
    await stack.cache.put_items([Item("i3", attributes={"price": 1})])
    request = RecommendationRequest(5, user_id="u", conditions=(condition_of("price<5"),))
    answer = await serving.recommender.recommend(request)
    assert (ids(answer), answer.degraded) == (["i3"], True)
    assert answer.warnings == ["not all items are known yet: there may be more that fulfil the conditions"]
    await serving.aclose()
    await stack.serving.aclose()


async def test_an_answer_says_why_it_is_popular_only(stack: Stack) -> None:
    assert (await stack.ask()).popular_because == "anybody"
    assert (await stack.ask(user_id="nobody")).popular_because == "unknown_user"
    assert (await stack.ask(item_id="never seen")).popular_because == "unknown_item"
    assert (await stack.ask(user_id="u")).popular_because is None
    assert (await stack.ask("price<0", user_id="u")).popular_because == "nothing_fits"
