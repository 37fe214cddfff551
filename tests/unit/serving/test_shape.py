"""How a pool becomes a list, and what happens while the index is away."""

import asyncio
from typing import Any

import numpy as np
import pytest

from streamrec.adapters.memory_index import MemoryIndex
from streamrec.domain.diversity import Shape
from streamrec.domain.recommendation import RecommendedItem
from streamrec.errors import Unavailable
from streamrec.ports import VectorTable
from streamrec.serving.guard import Attempts, Guard
from streamrec.serving.shape import ListShaper
from streamrec.telemetry import NullMetrics

SAME, OTHER = [1.0, 0.0, 5.0], [0.0, 1.0, 5.0]


def item(item_id: str, score: float, *categories: str) -> RecommendedItem:
    return RecommendedItem(item_id, score, "gmf", categories=categories)


POOL = [item("a", 3.0, "x"), item("b", 2.9, "x"), item("c", 2.8, "x"), item("d", 1.0, "y")]


class Index(MemoryIndex):
    """Counts how often it is asked for vectors."""

    def __init__(self) -> None:
        table = VectorTable(["a", "b", "c", "d"], np.array([SAME, SAME, SAME, OTHER], np.float32))
        turned = VectorTable(["a", "b", "c", "d"], np.array([SAME, OTHER, SAME, SAME], np.float32))
        super().__init__({"old": turned, "new": table})
        self.n_asked = 0

    async def vectors(self, *arguments: Any) -> dict[str, bytes]:
        self.n_asked += 1
        return await super().vectors(*arguments)


def a_shaper(index: Any) -> ListShaper:
    return ListShaper(index, Guard("index", 1.0, NullMetrics()))


def ids(items: list[RecommendedItem]) -> list[str]:
    return [item.item_id for item in items]


async def test_a_plain_list_is_the_head_of_the_pool_and_asks_nobody() -> None:
    index, attempts = Index(), Attempts()
    assert ids(await a_shaper(index).shaped(POOL, 3, Shape(), None, attempts)) == ["a", "b", "c"]
    assert index.n_asked == 0


@pytest.mark.parametrize(("generation", "second"), [(None, "d"), ("new", "d"), ("old", "b")])
async def test_likeness_is_that_of_the_generation(generation: str | None, second: str) -> None:
    shaped = await a_shaper(Index()).shaped(POOL, 2, Shape(0.6), generation, Attempts())
    assert ids(shaped) == ["a", second]


async def test_a_cap_alone_needs_no_vectors() -> None:
    index = Index()
    shaped = await a_shaper(index).shaped(POOL, 3, Shape(max_per_category=1), "new", Attempts())
    assert ids(shaped) == ["a", "d", "b"]
    assert index.n_asked == 0


async def test_items_that_the_index_does_not_know_are_unlike_all() -> None:
    pool = [POOL[0], POOL[1], item("stranger", 2.0)]
    assert ids(await a_shaper(Index()).shaped(pool, 2, Shape(0.6), "new", Attempts())) == ["a", "stranger"]
    strangers = [item(name, 1.0) for name in "pqr"]
    assert ids(await a_shaper(Index()).shaped(strangers, 2, Shape(1.0), "new", Attempts())) == ["p", "q"]


async def test_an_empty_pool_is_an_empty_list() -> None:
    assert await a_shaper(Index()).shaped([], 5, Shape(0.5, 1), "new", Attempts()) == []


async def test_while_the_index_is_away_the_order_stays_and_the_answer_is_marked() -> None:
    class Away:
        async def vectors(self, *_arguments: Any) -> dict[str, bytes]:
            await asyncio.sleep(0)
            raise Unavailable("away")

    attempts = Attempts()
    shaped = await a_shaper(Away()).shaped(POOL, 3, Shape(0.9, 2), "new", attempts)
    assert ids(shaped) == ["a", "b", "d"]
    assert attempts.failed == {"index"}
