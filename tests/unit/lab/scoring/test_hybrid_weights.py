"""Learned weights: above the best part alone where parts know different things, and no fit to chance."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from lab.scoring.hybrid import scaled
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


def test_few_users_do_not_put_all_weight_on_the_part_that_chance_favours() -> None:
    rng = np.random.default_rng(4)
    few, many = ([rng.permutation(200)[:2] for _ in range(n)] for n in (40, 2000))
    ndcg = []
    for _ in range(5):
        learned = learned_weights({f"part{n}": lists(rng, few, 0.3) for n in range(4)}, few)
        assert min(learned.weights.values()) > 0.05
        parts = {name: lists(rng, many, 0.3) for name in learned.weights}
        ndcg.append(
            (ndcg_of(parts, many, learned.weights), max(learned_weights(parts, many).of_parts.values()))
        )
    assert all(of_hybrid > 1.2 * of_best for of_hybrid, of_best in ndcg)


def ndcg_of(parts: dict[str, Lists], relevant: list[np.ndarray], weights: dict[str, float]) -> float:
    """Return the NDCG@10 of a hybrid with these weights, user by user."""
    found = []
    for user, items in enumerate(relevant):
        sums = np.zeros(200)
        for name, of in parts.items():
            sums[of.columns[user]] += weights[name] * scaled(of.scores[user])
        hits = np.isin(np.argsort(-sums, kind="stable")[:10], items)
        discounts = 1 / np.log2(np.arange(2, 12))
        found.append((hits * discounts).sum() / discounts[: len(items)].sum())
    return float(np.mean(found))


def test_the_loss_is_least_there(relevant: list[np.ndarray]) -> None:
    rng = np.random.default_rng(5)
    parts = {name: lists(rng, relevant, skill) for name, skill in (("a", 0.4), ("b", 0.2), ("c", 0.0))}
    weights = np.array(list(learned_weights(parts, relevant, ridge=0.0).weights.values()))

    def least_loss(direction: np.ndarray) -> float:
        """Return the loss of the best multiple of weights: what is returned adds up to 1."""

        def loss(scale: float) -> float:
            total = 0.0
            for user, items in enumerate(relevant):
                sums: dict[int, float] = {}
                for weight, of in zip(direction, parts.values(), strict=True):
                    for item, score in zip(
                        of.columns[user].tolist(), scaled(of.scores[user]).tolist(), strict=True
                    ):
                        sums[item] = sums.get(item, 0.0) + scale * weight * score
                if found := [item for item in items if item in sums]:
                    total -= np.mean([sums[item] for item in found]) - np.log(
                        np.exp(list(sums.values())).sum()
                    )
            return total

        return float(minimize_scalar(loss, bounds=(0.01, 50), method="bounded").fun)

    best = least_loss(weights)
    for part in np.eye(3):
        other = np.maximum(weights + 0.1 * (part - 1 / 3), 0)
        assert least_loss(other) > best - 1e-4


def test_users_without_anything_and_lists_without_items() -> None:
    empty = Lists(np.full((2, 3), NO_ITEM), np.zeros((2, 3), np.float32))
    learned = learned_weights({"a": empty, "b": empty}, [np.array([1]), np.zeros(0, np.int64)])
    assert learned.ndcg == 0
    assert sum(learned.weights.values()) == pytest.approx(1)
    assert learned_weights({"a": empty}, [np.zeros(0, np.int64)] * 2).ndcg == 0
    one = Lists(np.array([[3, 1], [2, NO_ITEM]]), np.array([[2, 1], [1, 0]], np.float32))
    assert learned_weights({"a": empty, "b": one}, [np.array([9]), np.array([2])]).ndcg == 0.5
