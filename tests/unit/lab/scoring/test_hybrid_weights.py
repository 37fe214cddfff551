"""Learned weights: never below the best part alone, and above it where parts know different things."""

import numpy as np
import pytest

from lab.scoring.hybrid_weights import learned_weights
from lab.scoring.scoring_model import NO_ITEM, Lists


def lists(rng: np.random.Generator, relevant: list[np.ndarray], skill: float) -> Lists:
    """Random lists of 20 of 200 items; each relevant one gets to the head with this chance."""
    columns = np.stack([rng.permutation(200)[:20] for _ in relevant])
    for line, items in enumerate(relevant):
        found = items[rng.random(len(items)) < skill]
        rest = columns[line][~np.isin(columns[line], found)]
        columns[line] = np.concatenate([found, rest])[:20]
    return Lists(columns, np.tile(np.arange(20, 0, -1, dtype=np.float32), (len(relevant), 1)))


@pytest.fixture
def relevant() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.permutation(200)[: rng.integers(1, 5)] for _ in range(300)]


def test_parts_that_know_different_things_are_blended(relevant: list[np.ndarray]) -> None:
    rng = np.random.default_rng(2)
    learned = learned_weights({name: lists(rng, relevant, 0.3) for name in ("a", "b")}, relevant)
    assert learned.ndcg > 1.1 * max(learned.of_parts.values())
    assert min(learned.weights.values()) > 0.2
    assert sum(learned.weights.values()) == pytest.approx(1)


def test_a_part_that_knows_nothing_gets_next_to_nothing(relevant: list[np.ndarray]) -> None:
    rng = np.random.default_rng(3)
    learned = learned_weights({"good": lists(rng, relevant, 0.6), "noise": lists(rng, relevant, 0)}, relevant)
    assert learned.weights["noise"] < 0.35
    assert learned.ndcg >= max(learned.of_parts.values())


@pytest.mark.parametrize("seed", range(5))
def test_it_is_never_below_the_best_part_alone(seed: int, relevant: list[np.ndarray]) -> None:
    rng = np.random.default_rng(seed)
    parts = {f"part{n}": lists(rng, relevant[:40], rng.random()) for n in range(4)}
    learned = learned_weights(parts, relevant[:40], starts=[{"part0": 0.1, "unknown": 3.0}])
    assert learned.ndcg >= max(learned.of_parts.values())


def test_users_without_anything_and_lists_without_items() -> None:
    empty = Lists(np.full((2, 3), NO_ITEM), np.zeros((2, 3), np.float32))
    learned = learned_weights({"a": empty, "b": empty}, [np.array([1]), np.zeros(0, np.int64)])
    assert learned.ndcg == 0
    assert sum(learned.weights.values()) == pytest.approx(1)
    assert learned_weights({"a": empty}, [np.zeros(0, np.int64)] * 2).ndcg == 0
