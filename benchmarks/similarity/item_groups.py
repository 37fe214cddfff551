"""Planted groups for `benchmarks.similarity.items`: whether each kind of similarity finds them again."""

import asyncio
from collections.abc import Iterator
from typing import get_args

import numpy as np

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.items.content_index import ContentIndex
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.domain.sources.table import SimilarityKind
from streamrec.learning.absorb import absorb
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import VectorTable
from streamrec.publishing.neighbour_views import published_neighbours
from streamrec.publishing.views import item_vectors
from streamrec.serving.composition import ServingLimits, serving_over
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.telemetry import NullMetrics

N_GROUPS, GROUP_SIZE = 20, 10
"""200 instruments."""

_N_USERS = 2_000
_NOISE = 0.1
"""Choices of a user that are of any group."""

_INTERVAL_S = 20.0
_BATCH = 256


def choices(n_events: int, seed: int) -> Iterator[Interaction]:
    """Yield events of users who each keep to one group, but for the noise."""
    chance = np.random.default_rng(seed)
    n_items = N_GROUPS * GROUP_SIZE
    users = chance.integers(_N_USERS, size=n_events)
    items = users % N_GROUPS * GROUP_SIZE + chance.integers(GROUP_SIZE, size=n_events)
    is_noise = chance.random(n_events) < _NOISE
    items[is_noise] = chance.integers(n_items, size=int(is_noise.sum()))
    for number, (user, item) in enumerate(zip(users.tolist(), items.tolist(), strict=True)):
        yield Interaction(f"u{user}", f"i{item}", 1.7e9 + _INTERVAL_S * number)


def learned(n_events: int, seed: int) -> TrainerState:
    """Return what a trainer that starts with nothing knows after so many events."""
    settings = TrainerSettings()
    state = TrainerState("planted", LearningSettings(), settings)
    weights = EventWeights(settings.event_weights, settings.default_event_weight)
    rules = LearningRules(weights, settings.value_weight, ContentIndex())
    events = list(choices(n_events, seed))
    for first in range(0, n_events, _BATCH):
        absorb(state, events[first : first + _BATCH], rules, now=0.0)
    return state


async def precisions(state: TrainerState) -> dict[str, float]:
    """Return by kind of similarity which share of an item's (group size - 1) best are of its group."""
    rows = np.arange(state.item_ids.n_rows)
    table = item_vectors(state, rows)
    vectors = np.stack([np.frombuffer(vector, "<f4") for _, vector in table])
    index = MemoryIndex({"planted": VectorTable([item_id for item_id, _ in table], vectors)})
    cache = MemoryCache()
    cache.publish_neighbours(published_neighbours(state, rows, 100))
    cache.publish_blend(state.blend.published())
    serving = serving_over(MemoryStore(), cache, index, NullMetrics(), ServingLimits())
    found: dict[str, float] = {}
    for by in get_args(SimilarityKind):
        hits = 0
        for item_id, _ in table:
            answer = await serving.similar.similar(item_id, by, RecommendationRequest(GROUP_SIZE - 1))
            hits += sum(_group(item.item_id) == _group(item_id) for item in answer.items)
        found[by] = hits / (len(table) * (GROUP_SIZE - 1))
    await serving.aclose()
    return found


def planted(n_events: int, seed: int) -> dict[str, float]:
    """Return `precisions` after so many events."""
    return asyncio.run(precisions(learned(n_events, seed)))


def _group(item_id: str) -> int:
    return int(item_id.removeprefix("i")) // GROUP_SIZE
