"""Why an answer is not all personal, as the metrics tell it."""

from collections import Counter
from typing import Any

import pytest

from streamrec.domain.items.item import Item
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.serving.composition import ServingLimits, serving_over
from streamrec.telemetry import NullMetrics
from tests.unit.serving.test_recommender import Down, Stack


class Counted(NullMetrics):
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def count(self, name: str, n: int = 1) -> None:
        self.counts[name.removeprefix("recommender.")] += n

    def reasons(self) -> list[str]:
        return [name for name in self.counts if name == "personalized" or name.startswith("fallback.")]


async def ask(stack: Stack, metrics: Counted, **request: Any) -> None:
    serving = serving_over(stack.store, stack.cache, stack.index, metrics, ServingLimits())
    await serving.recommender.recommend(RecommendationRequest(**request))
    await serving.aclose()


@pytest.mark.parametrize(
    ("user_id", "k", "broken", "reason"),
    [
        ("known", 3, None, "personalized"),
        ("known", 3, "cache", "personalized"),  # degraded, but all the user's own
        ("nobody", 3, None, "fallback.stranger"),
        ("nobody", 3, "index", "fallback.stranger"),
        ("moved", 3, None, "fallback.generation_not_served"),
        ("known", 3, "index", "fallback.index_unavailable"),
        ("known", 3, "store", "fallback.store_unavailable"),
        ("known", 100, None, "fallback.too_few_candidates"),
    ],
)
async def test_each_answer_to_a_user_has_one_reason(
    user_id: str, k: int, broken: str | None, reason: str
) -> None:
    stack, metrics = Stack(), Counted()
    stack.know("moved", generation="g0")
    if broken is not None:
        setattr(stack, broken, Down(hangs=False))
    await ask(stack, metrics, user_id=user_id, k=k)
    assert metrics.reasons() == [reason]
    assert metrics.counts[reason] == 1
    assert ("degraded" in metrics.counts) == (broken is not None and user_id == "known" or broken == "store")


async def test_who_names_no_user_has_no_reason() -> None:
    stack, metrics = Stack(), Counted()
    await ask(stack, metrics, k=3)
    await ask(stack, metrics, k=3, item_id="i3")
    assert metrics.reasons() == []
    assert (metrics.counts["items.popular"], metrics.counts["items.similar"]) == (3, 3)


async def test_metadata_is_counted_by_whether_the_cache_had_it() -> None:
    stack, metrics = Stack(), Counted()
    stack.cache = type(stack.cache)()
    await stack.cache.put_items([Item("i59")])
    await ask(stack, metrics, user_id="known", k=1)  # asks for four more than it needs
    assert (metrics.counts["item_cache.hits"], metrics.counts["item_cache.misses"]) == (1, 4)
