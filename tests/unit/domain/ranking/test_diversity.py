"""How a list is arranged."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.ranking.diversity import Pool, Shape, arranged, pool_size


def a_pool(seed: int, n: int = 60, dimension: int = 8) -> Pool:
    """Return candidates in four bundles of like ones, with ties among the scores."""
    chance = np.random.default_rng(seed)
    bundles = chance.normal(size=(4, dimension))
    of = chance.integers(4, size=n)
    embeddings = (bundles[of] + 0.3 * chance.normal(size=(n, dimension))).astype(np.float32)
    scores = np.sort(chance.integers(0, 20, size=n) / 7)[::-1]
    return Pool(scores.tolist(), embeddings, [[f"c{bundle}"] for bundle in of])


def similarity(pool: Pool, rows: list[int]) -> float:
    """Return the mean cosine with the most similar one further up."""
    directions = pool.embeddings / np.linalg.norm(pool.embeddings, axis=1, keepdims=True)
    cosines = directions[rows] @ directions[rows].T
    return float(np.mean([cosines[row, :row].max() for row in range(1, len(rows))]))


def by_definition(pool: Pool, k: int, diversity: float) -> list[int]:
    """Return the list as the paper defines it, pair by pair."""

    @cache
    def cosine(a: int, b: int) -> float:
        x, y = pool.embeddings[a].astype(float), pool.embeddings[b].astype(float)
        return float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)))

    cosines = [cosine(a, b) for a, b in combinations(range(len(pool.scores)), 2)]

    @cache
    def similarity_of(a: int, b: int) -> float:
        n_smaller = sum(other < cosine(a, b) - 1e-6 for other in cosines)
        n_equal = sum(abs(other - cosine(a, b)) <= 1e-6 for other in cosines)
        return (n_smaller + n_equal / 2) / len(cosines)

    top, bottom = pool.scores[0], pool.scores[-1]
    shown: list[int] = []
    for _ in range(k):
        gains = {
            row: (1 - diversity) * (pool.scores[row] - bottom) / (top - bottom)
            - diversity * max((similarity_of(row, other) for other in shown), default=0.0)
            for row in range(len(pool.scores))
            if row not in shown
        }
        shown.append(max(gains, key=lambda row: gains[row]))
    return shown


@pytest.mark.parametrize("diversity", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_each_position_goes_to_the_best_margin(seed: int, diversity: float) -> None:
    pool = a_pool(seed, n=30)
    assert arranged(pool, 12, Shape(diversity)) == by_definition(pool, 12, diversity)


@given(seed=st.integers(0, 1000), k=st.integers(1, 70), knows_vectors=st.booleans())
def test_nothing_changes_at_0(seed: int, k: int, knows_vectors: bool) -> None:
    pool = a_pool(seed)
    if not knows_vectors:
        pool = pool._replace(embeddings=np.zeros_like(pool.embeddings))
    assert arranged(pool, k, Shape(0.0)) == list(range(min(k, 60)))


@given(
    scores=st.lists(st.floats(-1e6, 1e6), max_size=40),
    diversity=st.floats(0, 1),
    cap=st.one_of(st.none(), st.integers(1, 3)),
    k=st.integers(1, 50),
)
def test_a_list_is_as_long_as_it_can_be_and_repeats_nothing(
    scores: list[float], diversity: float, cap: int | None, k: int
) -> None:
    n = len(scores)
    embeddings = np.ones((n, 3), np.float32)
    embeddings[::2] = 0
    pool = Pool(scores, embeddings, [["a"] if row % 3 else [] for row in range(n)])
    rows = arranged(pool, k, Shape(diversity, cap))
    assert len(rows) == len(set(rows)) == min(k, n)
    assert not rows or rows[0] == 0


def test_more_diversity_is_less_similar_and_means_the_same_for_any_span_of_scores() -> None:
    for seed in range(5):
        pool = a_pool(seed)
        lists = [arranged(pool, 10, Shape(diversity)) for diversity in (0, 0.3, 1)]
        similarities = [similarity(pool, rows) for rows in lists]
        assert similarities[0] > similarities[1] > similarities[2]
        stretched = pool._replace(scores=[1000 * score - 5 for score in pool.scores])
        assert [arranged(stretched, 10, Shape(diversity)) for diversity in (0, 0.3, 1)] == lists


def test_at_1_only_dissimilarity_counts() -> None:
    embeddings = np.array([[1, 0, 0], [1, 0.1, 0], [1, 1, 0], [0, 0, 1]], np.float32)
    pool = Pool([9.0, 8.0, 7.0, -100.0], embeddings, [[]] * 4)
    assert arranged(pool, 4, Shape(1.0)) == [0, 3, 2, 1]


def test_an_item_without_a_vector_is_unlike_all() -> None:
    pool = Pool([3.0, 2.0, 1.0], np.array([[1, 0], [1, 0], [0, 0]], np.float32), [[]] * 3)
    assert arranged(pool, 2, Shape(0.9)) == [0, 2]


def test_a_cap_holds_while_there_are_others_and_counts_each_category() -> None:
    categories = [["a"], ["a", "b"], ["b"], ["b"], [], [], ["c"], ["a"]]
    pool = Pool(list(range(8, 0, -1)), np.zeros((8, 2), np.float32), categories)
    assert arranged(pool, 5, Shape(max_per_category=1)) == [0, 2, 4, 5, 6]
    assert arranged(pool, 5, Shape(max_per_category=2)) == [0, 1, 2, 4, 5]
    assert arranged(pool, 8, Shape(max_per_category=1)) == [0, 2, 4, 5, 6, 1, 3, 7]
    # An id given twice counts once.
    twice = pool._replace(categories=[["a", "a"]] * 8)
    assert arranged(twice, 2, Shape(max_per_category=2)) == [0, 1]


def test_what_the_cap_leaves_out_does_not_push_away_what_is_like_it() -> None:
    embeddings = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0.1], [0, 0, 1]], np.float32)
    pool = Pool([4.0, 3.9, 3.0, 1.0], embeddings, [["a"], ["a"], ["b"], ["b"]])
    assert arranged(pool, 2, Shape(0.4, max_per_category=1)) == [0, 2]


def test_the_pool_grows_with_the_list_within_bounds() -> None:
    assert [pool_size(k) for k in (1, 10, 30, 250)] == [50, 50, 150, 1000]
