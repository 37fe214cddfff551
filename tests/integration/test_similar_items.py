"""From events to what is like an item: the trainer counts, the cache carries, the route answers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from recommender_server.app import Parts, Rules, create_app
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.sqlite.cache import SqliteCache
from streamrec.adapters.sqlite.cache_publisher import SqliteCachePublisher
from streamrec.domain.sources.table import SimilarityKind
from streamrec.ports import VectorTable
from tests.asgi_client import Client
from tests.builders import GENERATION, World

DAY_S = 86_400.0
REQUESTS = [(1, 1, "AB"), (2, 2, "ACD"), (3, 1, "BC"), (4, 3, "AB")]
"""Day, user, items."""


class System:
    """A trainer, and a recommender over what it published."""

    def __init__(self, folder: Path) -> None:
        self._world = World(folder)
        self._cache_path = folder / "cache.db"
        self._world.cache = SqliteCachePublisher(self._cache_path)  # type: ignore[assignment]
        self._trainer = self._world.trainer()

    def learn(self, *events: dict[str, Any]) -> None:
        self._world.send(*events)
        self._trainer.step()
        while self._trainer.state.dirty_neighbours.n_waiting:
            self._trainer.step()

    def ask(self, *targets: str) -> list[Any]:
        """Return what a recommender that starts now answers."""
        return asyncio.run(self._ask(targets))

    async def _ask(self, targets: tuple[str, ...]) -> list[Any]:
        world, vectors = self._world, self._world.published_vectors()
        table = np.stack([np.frombuffer(record.vector or b"", "<f4") for record in vectors.values()])
        index = MemoryIndex({GENERATION: VectorTable(list(vectors), table)})
        cache = SqliteCache(self._cache_path)
        client = Client(create_app(Parts(world.store, cache, index, world.sink, world.metrics), Rules()))
        answers = [await client.call("GET", target) for target in targets]
        await client.shut_down()
        await cache.aclose()
        assert {answer.status for answer in answers} == {200}
        return [answer.json for answer in answers]

    def close(self) -> None:
        self._trainer.finish()
        self._world.cache.close()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    made = System(tmp_path)
    yield made
    made.close()


def requests() -> list[dict[str, Any]]:
    return [
        {"user_id": user, "item_id": item, "timestamp": day * DAY_S + 60 * number}
        for day, user, items in REQUESTS
        for number, item in enumerate(items)
    ]


def counts(system: System, item_id: str, parameters: str = "") -> list[tuple[str, float, float]]:
    (answer,) = system.ask(f"/v1/items/{item_id}/similar?by=same_day{parameters}")
    return [(item["item_id"], item["score"], item["support"]) for item in answer["items"]]


def test_the_same_days_of_four_requests_are_counted(system: System) -> None:
    system.learn(*requests())
    assert counts(system, "A", "&k=1") == [("B", 2.0, 2.0)]
    assert sorted(counts(system, "A")) == [("B", 2.0, 2.0), ("C", 1.0, 1.0), ("D", 1.0, 1.0)]
    assert counts(system, "B") == [("A", 2.0, 2.0), ("C", 1.0, 1.0)]
    assert counts(system, "A", "&min_score=2") == [("B", 2.0, 2.0)]
    # Repeated on the same day they count no more, on another day they do.
    system.learn(*requests()[:2], {"user_id": 1, "item_id": "A", "timestamp": 3 * DAY_S + 600})
    assert counts(system, "A", "&k=2") == [("B", 3.0, 3.0), ("C", 2.0, 2.0)]


def test_an_item_of_a_single_event_has_nothing_like_it_by_day(system: System) -> None:
    system.learn(*requests(), {"user_id": 9, "item_id": "alone", "timestamp": 5 * DAY_S})
    for by in ("same_day", "covisitation"):
        (answer,) = system.ask(f"/v1/items/alone/similar?by={by}")
        assert (answer["items"], answer["degraded"]) == ([], False)
    (by_vector,) = system.ask("/v1/items/alone/similar?by=vector")
    assert {item["item_id"] for item in by_vector["items"]} == set("ABCD")


def test_planted_groups_are_found_in_every_way(system: System) -> None:
    rng = np.random.default_rng(3)
    n_groups, size = 20, 10
    events = []
    for number in range(12_000):
        group = int(rng.integers(n_groups))
        item = group * size + int(rng.integers(size))
        events.append(
            {"user_id": f"u{group}-{number % 40}", "item_id": f"i{item}", "timestamp": 60.0 * number}
        )
    for first in range(0, len(events), 1000):
        system.learn(*events[first : first + 1000])
    asked = range(0, n_groups * size, 7)
    n_found = {}
    for by in get_args(SimilarityKind):
        answers = system.ask(*(f"/v1/items/i{item}/similar?by={by}&k={size - 1}" for item in asked))
        found = [{item["item_id"] for item in answer["items"]} for answer in answers]
        groups = [range(item // size * size, (item // size + 1) * size) for item in asked]
        n_found[by] = sum(
            len(ids & {f"i{n}" for n in group}) for ids, group in zip(found, groups, strict=True)
        )
    assert {by: n / (len(asked) * (size - 1)) >= 0.9 for by, n in n_found.items()} == dict.fromkeys(
        n_found, True
    )
