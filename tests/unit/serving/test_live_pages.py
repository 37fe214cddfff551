"""Pages of a list that changes under its reader: the trainer learns between them, two replicas answer.

The trainer works in a thread: it waits for its own answers.
"""

import asyncio
from pathlib import Path

import numpy as np

from streamrec.adapters.memory.index import MemoryIndex
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.ports import VectorTable
from streamrec.serving.composition import Serving, ServingLimits, serving_over
from streamrec.telemetry import NullMetrics
from tests.builders import World, events

N_ITEMS, N_PAGES = 400, 20


def some_events(world: World, chance: np.random.Generator, reader_item: str) -> None:
    """Let people choose, and the reader one item of the page."""
    pairs = [(f"p{chance.integers(40)}", f"i{int(N_ITEMS * chance.random() ** 2)}") for _ in range(40)]
    world.send(*events(*pairs, ("reader", reader_item)))


def a_server(world: World) -> Serving:
    """Return a new process over what is published: nothing is remembered from page to page."""
    published = world.published_vectors()
    vectors = np.array([np.frombuffer(record.vector or b"", "<f4") for record in published.values()])
    index = MemoryIndex({"g1": VectorTable(list(published), vectors)})
    return serving_over(world.store, world.cache, index, NullMetrics(), ServingLimits())


async def read_pages(world: World, shape: Shape) -> tuple[list[list[str]], set[str]]:
    """Return the pages that the reader got, and what they had chosen before the first."""
    chance = np.random.default_rng(3)
    trainer = world.trainer()
    for n in range(10):
        some_events(world, chance, f"i{n}")
        await asyncio.to_thread(trainer.step)
    seen = {f"i{n}" for n in range(10)}
    pages: list[list[str]] = []
    cursor = None
    for _ in range(N_PAGES):
        server = a_server(world)
        answer = await server.recommender.recommend(
            RecommendationRequest(10, "reader", shape=shape, cursor=cursor)
        )
        await server.aclose()
        pages.append([item.item_id for item in answer.items])
        cursor = answer.next_cursor
        some_events(world, chance, pages[-1][0])
        await asyncio.to_thread(trainer.step)
    await asyncio.to_thread(trainer.finish)
    return pages, seen


async def test_twenty_pages_repeat_nothing_while_the_model_learns(tmp_path: Path) -> None:
    for shape in (Shape(), Shape(0.4, 5)):
        world = World(tmp_path / str(shape.diversity))
        hidden = {f"i{n}" for n in range(20, 200, 7)}
        await world.store.put_items([Item(id_, is_hidden=True) for id_ in sorted(hidden)])
        pages, seen = await read_pages(world, shape)
        shown = [item_id for page in pages for item_id in page]
        assert [len(page) for page in pages] == [10] * N_PAGES
        assert len(set(shown)) == len(shown)
        assert not hidden & set(shown)
        assert not seen & set(shown)
