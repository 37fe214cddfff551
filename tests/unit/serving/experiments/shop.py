"""A shop over parts in memory, whose variants differ in what they show."""

from collections import Counter
from typing import Any

import numpy as np

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.experiments.definition import Changes, Experiment, Variant
from streamrec.domain.experiments.exposure import Exposure, decode_exposure
from streamrec.domain.ranking.recommendation import RecommendationRequest, Recommendations
from streamrec.domain.users.user import UserState
from streamrec.ports import IMPRESSIONS, RankedItem, UserUpdates, VectorTable
from streamrec.serving.composition import ServingLimits, serving_over
from streamrec.serving.experiments.composition import experimenting_over
from streamrec.serving.experiments.experimenting import Asked, ExposureRules, ExposuresOf
from streamrec.telemetry import NullMetrics

N_ITEMS = 30
K = 6


def experiment(id_: str = "x", *changes: Changes, **fields: Any) -> Experiment:
    """Return a running experiment of variants a, b ... with these changes; the first one is the control."""
    variants = tuple(Variant(name, 1.0, one) for name, one in zip("abcdef", changes, strict=False))
    known: dict[str, Any] = {
        "version": 1,
        "variants": variants,
        "control": "a",
        "primary": "ctr",
        "state": "running",
    }
    return Experiment(id_, **known | fields)


class Counted(NullMetrics):
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def count(self, name: str, n: int = 1) -> None:
        self.counts[name] += n


class Shop:
    def __init__(self, exposures_of: ExposuresOf = "experiments", share: float = 0.0) -> None:
        self.store, self.cache, self.log = MemoryStore(), MemoryCache(), MemoryEventLog()
        ids = [f"i{n}" for n in range(N_ITEMS)]
        angles = np.linspace(0, np.pi, N_ITEMS)
        vectors = np.stack([np.cos(angles), np.sin(angles), np.zeros(N_ITEMS)], axis=1).astype(np.float32)
        # The challenger has learned the opposite: whom the champion gives the first items, it gives the last.
        tables = {"g2": VectorTable(ids, -vectors), "g1": VectorTable(ids, vectors)}
        index = MemoryIndex(tables)
        self.cache.publish_popular(
            {
                "all": [RankedItem(id_, 100.0 - n) for n, id_ in enumerate(reversed(ids))],
                "promising": [RankedItem(f"new{n}", 5.0) for n in range(8)],
            }
        )
        lease = self.store.acquire("trainer", "test", 10.0, 0.0)
        assert lease is not None
        vector = np.array([1, 0.2, 1], "<f4").tobytes()
        states = [UserState(f"u{n}", "g1", vector, ("i3",), (), 5, 5.0) for n in range(40)]
        self.store.publish_users(UserUpdates(states, []), lease)
        self.metrics = Counted()
        limits = ServingLimits(exploration_share=share)
        self.serving = serving_over(self.store, self.cache, index, self.metrics, limits)
        self.sink = MemoryEventSink(self.log)
        self.experimenting = experimenting_over(
            self.serving.usual, self.store, self.sink, self.metrics, 0.5, ExposureRules(exposures_of)
        )

    async def put(self, *experiments: Experiment) -> None:
        for one in experiments:
            assert await self.store.put_experiment(one, 0)
        await self.experimenting.running.refresh()

    async def ask(self, user_id: str | None = "u1", request_id: str = "r1", **asked: Any) -> Recommendations:
        is_named = asked.pop("is_diversity_named", False)
        request = RecommendationRequest(**{"k": K, "user_id": user_id} | asked)
        told = await self.experimenting.recommender.recommend(Asked(request, request_id, is_named))
        return told.recommendations

    async def exposures(self) -> list[Exposure]:
        await self.experimenting.log.aclose()
        return [decode_exposure(record.value) for record in self.log.records.get(IMPRESSIONS, [])]
