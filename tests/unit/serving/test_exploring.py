"""New items in served lists."""

import random
from collections import Counter

import numpy as np
import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.items.exploration import ExplorationBy
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.ports import RankedItem, VectorTable
from streamrec.serving.composition import ServingLimits, serving_over
from streamrec.telemetry import NullMetrics

K = 10


class Shop:
    """A popular assortment, and some items that nobody has chosen yet."""

    def __init__(self, share: float, by: ExplorationBy = "chance", **promising: float) -> None:
        self.cache, self.store = MemoryCache(), MemoryStore()
        self.cache.publish_popular(
            {
                "all": [RankedItem(f"old{n}", 100.0 - n) for n in range(40)],
                "new": [RankedItem(f"new{n}", 10.0 - n) for n in range(5)],
                "new:war": [RankedItem("new1", 9.0)],
                "all:war": [RankedItem(f"old{n}", 100.0 - n) for n in range(12)],
                "promising": [RankedItem(*one) for one in promising.items()],
            }
        )
        limits = ServingLimits(exploration_share=share, exploration_by=by)
        random.seed(7)
        self.serving = serving_over(
            self.store,
            self.cache,
            MemoryIndex({"g1": VectorTable([], np.zeros((0, 3), np.float32))}),
            NullMetrics(),
            limits,
        )

    async def lists(self, n: int, **asked: object) -> list[list[tuple[str, str]]]:
        answers: list[list[tuple[str, str]]] = []
        for _ in range(n):
            answer = await self.serving.recommender.recommend(RecommendationRequest(K, **asked))  # type: ignore[arg-type]
            answers.append([(item.item_id, item.source) for item in answer.items])
        return answers


async def test_new_items_get_their_share_of_the_lower_places() -> None:
    lists = await Shop(share=0.1).lists(300)
    new = Counter(item_id for one in lists for item_id, source in one if source == "new")
    assert 0.07 < sum(new.values()) / (300 * K) < 0.13
    assert len(new) == 5  # chance gives each of them a turn
    assert all(len({item_id for item_id, _ in one}) == K for one in lists)
    assert all([item_id for item_id, _ in one[:3]] == ["old0", "old1", "old2"] for one in lists)


async def test_by_uncertainty_what_there_is_most_to_learn_of_is_shown_most() -> None:
    lists = await Shop(share=0.1, by="uncertainty", new1=8.0, new2=6.0, new3=0.001).lists(400)
    new = Counter(item_id for one in lists for item_id, source in one if source == "new")
    assert 0.07 < sum(new.values()) / (400 * K) < 0.13
    assert new["new1"] > 2 * new["new2"] > 0
    assert set(new) <= {"new1", "new2", "new3"}


async def test_beside_a_trainer_that_does_not_say_what_there_is_to_learn_chance_decides() -> None:
    lists = await Shop(share=0.2, by="uncertainty").lists(200)
    assert {item_id for one in lists for item_id, source in one if source == "new"} == {
        f"new{n}" for n in range(5)
    }


async def test_without_a_share_no_list_changes() -> None:
    (listed,) = await Shop(share=0.0).lists(1)
    assert listed == [(f"old{n}", "popular") for n in range(K)]


async def test_only_new_items_that_fit_are_shown() -> None:
    shop = Shop(share=0.5)
    await shop.store.put_items([Item(f"old{n}", categories=("war",)) for n in range(12)])
    await shop.store.put_items([Item("new1", categories=("war",)), Item("new2", categories=("peace",))])
    lists = await shop.lists(20, categories=frozenset({"war"}))
    assert {item_id for one in lists for item_id, source in one if source == "new"} == {"new1"}


async def test_a_hidden_new_item_is_not_shown_and_the_list_stays_full() -> None:
    shop = Shop(share=0.5)
    await shop.store.put_items([Item(f"new{n}", is_hidden=True) for n in range(5)])
    assert all(one == [(f"old{n}", "popular") for n in range(K)] for one in await shop.lists(20))


@pytest.mark.parametrize("asked", [{"only_ids": ("old1", "old2")}, {"min_score": 1e-9}])
async def test_who_says_what_is_good_enough_gets_nothing_else(asked: dict[str, object]) -> None:
    lists = await Shop(share=0.5).lists(20, **asked)
    assert not [item_id for one in lists for item_id, source in one if source == "new"]


async def test_a_new_item_is_shown_on_one_page_only() -> None:
    shop = Shop(share=0.5)
    shown: list[str] = []
    cursor = None
    for _ in range(3):
        answer = await shop.serving.recommender.recommend(RecommendationRequest(K, cursor=cursor))
        shown += [item.item_id for item in answer.items]
        cursor = answer.next_cursor
    assert len(shown) == len(set(shown)) == 3 * K
    assert any(item_id.startswith("new") for item_id in shown)
